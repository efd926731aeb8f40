#!/bin/bash
# What README.md says about turnd, done as it stands there: its configuration of a public server, its
# commands, and credentials that a web application gets.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
. "${srcdir:-.}/tests/lab/relay.sh"

turnd=${builddir:-.}/turnd/turnd
readme=${srcdir:-.}/README.md
[ -x "$turnd" ] || lab_skip "$turnd is not built"

# block TEXT: the indented lines behind the one that has it, as they stand.
block() {
	awk -v text="$1" '
		index($0, text) { on = 1; next }
		on && /^    / { print substr($0, 5); had = 1; next }
		had { exit }' "$readme"
}

# An /etc and a /run as on a server, seen by this test alone.
name=turn.example.org
mkdir -p "$tmp/etc/turnd" "$tmp/etc/ssl"
for each in alternatives nsswitch.conf passwd group; do # Debian finds awk by the first
	[ -e /etc/$each ] && cp -a /etc/$each "$tmp/etc/"
done
printf '%s\n' "127.0.0.1 localhost" "192.0.2.1 $name" "2001:db8::1 $name" > "$tmp/etc/hosts"
: > "$tmp/etc/resolv.conf"
certificate turn $name 2 || lab_skip "openssl makes no certificate"
cp "$tmp/turn.pem" "$tmp/etc/turnd/$name.pem"
cp "$tmp/turn.key" "$tmp/etc/turnd/$name.key"
[ -e /etc/ssl/openssl.cnf ] && cp /etc/ssl/openssl.cnf "$tmp/etc/ssl/"
mount --bind "$tmp/etc" /etc || lab_skip "directories cannot be bound over /etc here"
mount -t tmpfs tmpfs /run || lab_skip "/run cannot be mounted here"
lab_in web ip address add 192.0.2.1/32 dev eth0
lab_in web ip address add 2001:db8::1/128 dev eth0 nodad
lab_in net ip route add 192.0.2.1 via $server
lab_in net ip route add 2001:db8::1 via $server6

echo "# the configuration, at most 10 lines"
# shellcheck disable=SC2016 # as it stands there
# shellcheck disable=SC2016	# backticks of Markdown
block 'A whole `/etc/turnd.conf`' > /etc/turnd.conf
lines=$(grep -c . /etc/turnd.conf)
((lines >= 3 && lines <= 10)) || fail "it has $lines lines: $(cat /etc/turnd.conf)"

echo "# the commands"
PATH=$(cd "${builddir:-.}/turnd" && pwd):$(cd "${builddir:-.}/natprobe" && pwd):$PATH
block 'A secret, which your web application' > "$tmp/secret.sh"
grep -q secret "$tmp/secret.sh" || fail "no command makes the secret"
sh -e "$tmp/secret.sh" || fail "cannot do: $(cat "$tmp/secret.sh")"
block 'Then check and start it' > "$tmp/start.sh"
[ "$(wc -l < "$tmp/start.sh")" = 2 ] || fail "two lines check and start: $(cat "$tmp/start.sh")"
sh -c "$(sed -n 1p "$tmp/start.sh")" > "$tmp/out" 2>&1 || fail "not checked: $(cat "$tmp/out")"
# shellcheck disable=SC2046	# words on purpose
lab_spawn web "$tmp/log" $(sed -n 2p "$tmp/start.sh")
for _ in $(seq 600); do
	grep -q ' ready' "$tmp/log" && break
	sleep 0.05
done
grep -q ' ready' "$tmp/log" || fail "turnd is not ready: $(cat "$tmp/log")"
grep -E ' (WARN|ERROR) ' "$tmp/log" | grep -v private && fail "it complains"

echo "# a credential that it prints works on each of its URIs"
block 'end by themselves. By hand this' > "$tmp/make.sh"
sh -e "$tmp/make.sh" > "$tmp/server.json" || fail "cannot do: $(cat "$tmp/make.sh")"
jq -r .credential "$tmp/server.json" > "$tmp/password"
user=$(jq -r .username "$tmp/server.json")
mapfile -t uris < <(jq -r '.urls[]' "$tmp/server.json")
[ "${#uris[@]}" -ge 3 ] || fail "its URIs are ${uris[*]}"
for uri in "${uris[@]}"; do
	relay 0 --user "$user" --password-file "$tmp/password" --ca-file "$tmp/ca.pem" "$uri"
	says '[.trials[].verdict] | unique | join(" ")' works
	says '[.trials[].server | startswith("[")] | unique | length' 2 # both families
done

block 'In a shell' > "$tmp/hand.sh"
{
	cat "$tmp/hand.sh"
	# shellcheck disable=SC2016	# variables of that script
	echo 'echo "$username $credential"'
} > "$tmp/hand"
read -r user password < <(sh -e "$tmp/hand")
echo "$password" > "$tmp/password"
relay 0 --user "$user" --password-file "$tmp/password" --transport udp turn:$name

echo "# tests that it names"
# shellcheck disable=SC2016
for test in $(grep -oE '`(test|sys|scen)_[a-z0-9_.]+`' "$readme" | tr -d '`'); do
	[ -e "${srcdir:-.}/tests/${test%.sh}.sh" ] || [ -e "${srcdir:-.}/tests/$test.c" ] ||
		fail "there is no $test"
done

echo "# lists, and ends"
block 'Who is there, and the end of one' > "$tmp/list.sh"
sh -e <(sed -n 1p "$tmp/list.sh") > "$tmp/out" 2>&1 || fail "no list: $(cat "$tmp/out")"
grep -q . "$tmp/list.sh" || fail "no commands that list"
exit "$failed"
