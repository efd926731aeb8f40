#!/bin/bash
# Headless Chromium: two peer connections of a page that reach each other through turnd only, by
# turn: over UDP, turn: over TCP and turns:, the latter with a certificate that Chromium trusts. 20 MB
# arrive as they were sent, over each.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/foreign/relay.sh"
lab_enter "$@"
lab_need chromium certutil
relay_start
relay_serve plain 3478 users

bytes=$((1280 * 16384)) # 20 MiB, a multiple of what the page sends at once
[ -z "${NATKIT_FULL:-}" ] || bytes=$((bytes * 5))

# home NAME AUTHORITY...: a fresh one, where these are trusted.
home() {
	local authority

	mkdir -p "$relay_tmp/$1/.pki/nssdb"
	certutil -d "sql:$relay_tmp/$1/.pki/nssdb" -N --empty-password || fail "certutil"
	for authority in "${@:2}"; do
		certutil -d "sql:$relay_tmp/$1/.pki/nssdb" -A -t C,, -n natkit -i "$authority" ||
			fail "certutil"
	done
}

# ask HOME PASSWORD BYTES URL...
ask() {
	lab_in client timeout 60 /usr/bin/python3 -B "${srcdir:-.}/tests/foreign/chromium_relay.py" \
		"$(command -v chromium)" "$relay_tmp/$1" $relay_user "${@:2}" 2>&1
}

over_udp="turn:$relay_ip:3478?transport=udp"
over_tcp="turn:$relay_ip:3478?transport=tcp"
over_tls="turns:$relay_ip:5349?transport=tcp"

home trusting "$relay_ca"
said=$(ask trusting $relay_password $bytes "$over_udp" "$over_tcp" "$over_tls")
for url in "$over_udp" "$over_tcp" "$over_tls"; do
	grep -qxF "$url $bytes bytes" <<< "$said" || fail "no $bytes bytes by $url: $said"
done

# The judge judges: neither a wrong password nor a certificate of a stranger will do.
home doubting
said=$(ask doubting wrong 16384 "$over_udp" "$over_tls")
grep -qF "$over_udp 401 " <<< "$said" || fail "a wrong password: $said"
grep -qF "$over_tls 701 " <<< "$said" || fail "an authority that is none: $said"
exit "$failed"
