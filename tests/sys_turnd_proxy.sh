#!/bin/bash
# turnd behind a proxy, beside a listener of its own: clients are whom the PROXY header names, in
# both versions; without a header there is no service, and none for those who may not write one.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need od timeout

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
server=91.80.1.10
other=91.80.1.11
lab_loopback $server $other

# Whoever connects to an address of this host comes from that same address.
cat > "$tmp/turnd.conf" << END
relay-address = $server
workers = 2
proxy-from = $server/32
[listener own]
address = $server
[listener balanced]
address = $server:3480
proxy = on
[listener closed]
address = $other:3480
proxy = on
END
"${builddir:-.}/turnd/turnd" --config "$tmp/turnd.conf" > "$tmp/log" 2>&1 &
turnd=$!
for _ in $(seq 600); do
	grep -q 'is ready' "$tmp/log" && break
	sleep 0.05
done

binding='\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl'
v1='PROXY TCP4 203.0.113.9 198.51.100.2 5555 443\r\n'
v2='\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x02\x15\xb3\x01\xbb'
# XOR-MAPPED-ADDRESS of 203.0.113.9:5555.
named=00200008000134a1ea12d54b

# ask ADDRESS PORT BYTES: the beginning of the answer, in hex.
ask() {
	exec 3<> "/dev/tcp/$1/$2" || return
	# shellcheck disable=SC2059	# bytes by their escapes
	printf "$3" >&3
	timeout 5 head -c 32 <&3 2> /dev/null | od -An -v -tx1 | tr -d ' \n'
	exec 3>&-
}

[[ $(ask $server 3480 "$v1$binding") = *"$named" ]] || fail "version 1 names nobody"
[[ $(ask $server 3480 "$v2$binding") = *"$named" ]] || fail "version 2 names nobody"
[ -z "$(ask $server 3480 "$binding")" ] || fail "an answer without a header"
[ -z "$(ask $other 3480 "$v1$binding")" ] || fail "an answer to who may not write a header"
answer=$(ask $server 3478 "$binding")
[[ $answer = 0101* && $answer != *"$named" ]] || fail "the listener beside it: $answer"
[ -z "$(ask $server 3478 "$v1$binding")" ] || fail "a header is taken where none belongs"

kill "$turnd"
wait "$turnd" || fail "turnd ended with $?: $(tail -n 5 "$tmp/log")"
exit "$failed"
