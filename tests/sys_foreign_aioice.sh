#!/bin/bash
# Two ICE agents of python3-aioice that meet through turnd only, over UDP, TCP and TLS, the latter
# with a certificate that they verify.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/foreign/relay.sh"
lab_enter "$@"
/usr/bin/python3 -c 'import aioice' 2> /dev/null || lab_skip "python3-aioice is not installed"
relay_start
relay_serve plain 3478 users

# ask TRANSPORT PORT PASSWORD
ask() {
	SSL_CERT_FILE=$relay_ca lab_in client timeout 90 /usr/bin/python3 -B \
		"${srcdir:-.}/tests/foreign/aioice_relay.py" "$1" $relay_ip "$2" $relay_user "$3" 2>&1
}

pids=()
for transport in udp:3478 tcp:3478 tls:5349; do
	ask ${transport%:*} ${transport#*:} $relay_password > "$relay_tmp/${transport%:*}.out" &
	pids+=($!)
done
wait "${pids[@]}"
for transport in udp tcp tls; do
	grep -q '^400 messages' "$relay_tmp/$transport.out" ||
		fail "$transport: $(tail -n 3 "$relay_tmp/$transport.out")"
done

# The judge judges: neither a wrong password nor a certificate of a stranger will do.
ask udp 3478 wrong | grep -q 'messages' && fail "a wrong password relays"
relay_ca=/dev/null ask tls 5349 $relay_password | grep -q messages &&
	fail "an authority that is none is believed"
exit "$failed"
