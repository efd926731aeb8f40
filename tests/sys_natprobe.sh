#!/bin/bash
# natprobe against stund on loopback: what it says, and how it ends.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need jq openssl

natprobe=${builddir:-.}/natprobe/natprobe
stund=${builddir:-.}/stund/stund
schema=${srcdir:-.}/doc/natprobe.schema.json
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# json STATUS ARGUMENT...: runs natprobe --json and checks its exit status and the document.
json() {
	local want=$1 got

	shift
	timeout 90 "$natprobe" --json "$@" > "$tmp/json" 2> "$tmp/err"
	got=$?
	[ "$got" = "$want" ] || fail "natprobe $* ended with $got, not $want: $(cat "$tmp/err")"
	[ "$(jq .exit_code "$tmp/json")" = "$got" ] || fail "natprobe $*: exit_code is not $got"
	if python3 -c 'import jsonschema' 2> /dev/null; then
		python3 - "$schema" "$tmp/json" << 'END' || fail "natprobe $*: not as the schema says"
import json, jsonschema, sys
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))
END
	fi
}

# says FILTER VALUE: what the last document has there.
says() {
	local got

	got=$(jq -r "$1" "$tmp/json")
	[ "$got" = "$2" ] || fail "$1 is $got, not $2"
}

# ends STATUS ARGUMENT...: runs natprobe for its exit status and text.
ends() {
	local want=$1 got

	shift
	timeout 90 "$natprobe" "$@" > "$tmp/out" 2> "$tmp/err"
	got=$?
	[ "$got" = "$want" ] || fail "natprobe $* ended with $got, not $want: $(cat "$tmp/err")"
}

prints() {
	grep -q -- "$1" "$tmp/out" || fail "no \"$1\" in: $(cat "$tmp/out")"
}

complains() {
	grep -q -- "$1" "$tmp/err" || fail "no \"$1\" in the error: $(cat "$tmp/err")"
	[ ! -s "$tmp/out" ] || fail "an error, and yet it prints: $(cat "$tmp/out")"
}

# start_stund LOG OPTION...: its pid is in $pid once it is ready.
start_stund() {
	local log=$tmp/$1

	shift
	"$stund" "$@" > "$log" 2>&1 &
	pid=$!
	for _ in $(seq 600); do
		grep -q ' ready' "$log" && return
		sleep 0.05
	done
	fail "stund $* is not ready: $(cat "$log")"
}

stop_stund() {
	kill "$pid"
	wait "$pid" 2> /dev/null
}

for tool in "$natprobe" "$stund"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
unset NATPROBE_SERVER NO_COLOR

echo "# the command line"
ends 0 --help
for word in --server --interface --ipv4 --json --timeout check; do
	prints "$word"
done
ends 0 check -h
ends 0 --version
prints '^natprobe [0-9]'
ends 2 --nonsense
complains nonsense
ends 2 nonsense
complains 'no command'
ends 2 operand --json
ends 2 check operand
complains operand
ends 2 --server 'ex ample'
complains 'ex ample'
ends 2 --server ''
complains empty
ends 2 --server 127.0.0.1 --interface ''
ends 2 --server turn:example.org
complains TURN
ends 2 --server 127.0.0.1 --interface nonsense0
complains nonsense0
ends 2 --quiet --verbose
ends 2 --timeout 1
NATPROBE_SERVER='127.0.0.1:1 [::' ends 2

echo "# a server with two addresses, nothing in between"
start_stund full.log --listen 127.0.0.1 --alternate 127.0.0.2
json 0 --server 127.0.0.1 --interface lo
says .version 1
says .outcome reached
says '.interfaces | length' 2
says '.interfaces[0] | .interface + " " + .family' 'lo ipv4'
says .interfaces[0].nat.value no
says .interfaces[0].mapping.value none
says .interfaces[0].filtering.value endpoint-independent
says .interfaces[0].firewall.value no
says .interfaces[0].udp_blocked.value no
says .interfaces[0].legacy.p2pd 'open internet'
says '.interfaces[0] | .local == .mapped' true
says '.interfaces[0].mapping.evidence | length' 4
says .interfaces[1].why_not 'no server has an IPv6 address'
json 0 -s stun:127.0.0.1:3478 -4
says '.interfaces | length' 1
NATPROBE_SERVER='127.0.0.1:1, 127.0.0.1' json 0 -4
says '.servers | length' 2
says .interfaces[0].filtering.server 127.0.0.1
ends 0 -s 127.0.0.1 -4
prints '^lo, IPv4$'
prints ' mapping  *none\(, TCP too\)*$'
prints ' filtering  *endpoint-independent$'
prints 'Open Internet (RFC 3489)'
grep -q $'\033' "$tmp/out" && fail "colours, and yet no terminal"
[ ! -s "$tmp/err" ] || fail "something on stderr: $(cat "$tmp/err")"
ends 0 -s 127.0.0.1 -4 -q
[ "$(cat "$tmp/out")" = 'lo IPv4: no NAT, mapping none, filtering endpoint-independent' ] ||
	fail "--quiet prints: $(cat "$tmp/out")"
ends 0 -s 127.0.0.1 -4 -v
prints 'change-both: 1 of 1'
json 3 -s 127.0.0.1 -6 --timeout 2s
says .interfaces[0].why_not 'no server has an IPv6 address'

echo "# a firewall without NAT"
nft -f - << 'END'
table inet test {
	chain input {
		type filter hook input priority filter
		udp dport 3478-3479 accept
		meta l4proto udp ct state new drop
	}
}
END
json 0 -s 127.0.0.1 -4
says .interfaces[0].nat.value no
says .interfaces[0].firewall.value yes
says .interfaces[0].filtering.value address-and-port-dependent
says .interfaces[0].legacy.rfc3489 'Symmetric UDP Firewall'
nft delete table inet test

echo "# UDP is blocked"
nft -f - << 'END'
table inet test {
	chain input {
		type filter hook input priority filter
		udp dport 3478-3479 drop
	}
}
END
json 0 -s 127.0.0.1 -4
says .interfaces[0].udp_blocked.value yes
says .interfaces[0].nat.value no
says .interfaces[0].firewall.value yes
says .interfaces[0].mapped null
says '.interfaces[0] | .local_tcp == .mapped_tcp' true
says .interfaces[0].mapping.reason udp-blocked
says .interfaces[0].legacy.p2pd filtered
ends 0 -s 127.0.0.1 -4
prints ' UDP blocked  *yes'
prints ' mapped  *127.0.0.1:[0-9]* (TCP)$'
ends 0 -s 127.0.0.1 -4 -q
[ "$(cat "$tmp/out")" = 'lo IPv4: UDP blocked, firewall' ] || fail "--quiet prints: $(cat "$tmp/out")"
nft delete table inet test
stop_stund

echo "# nobody is there"
json 3 -s 127.0.0.1 -4
says .outcome no-server
says .interfaces[0].filtering.reason no-server
json 3 -s 127.0.0.1 -4 --timeout 1s
says '.elapsed_ms < 1900' true
ends 3 -s 127.0.0.1 -4 --timeout 1s
prints 'No server answered'

echo "# interrupted"
"$natprobe" --json -s 127.0.0.1 -4 > "$tmp/json" &
probe=$!
sleep 0.7
kill -INT "$probe"
wait "$probe"
[ $? = 3 ] || fail "an interrupted run did not end with 3"
says .interfaces[0].nat.value unknown
says '.elapsed_ms < 2500' true

echo "# one address each: mapping and filtering without RFC 5780"
start_stund one.log --listen 127.0.0.1
json 4 -s 127.0.0.1 -4
says .outcome inconclusive
says .interfaces[0].filtering.value unknown
says .interfaces[0].filtering.reason no-other-address
stop_stund

echo "# TLS: seen apart, and its certificate is judged"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2> "$tmp/err" ||
	fail "openssl makes no certificate: $(cat "$tmp/err")"
start_stund tls.log --listen 127.0.0.1 --alternate 127.0.0.2 \
	--cert-file "$tmp/cert.pem" --key-file "$tmp/key.pem"
json 4 -s stuns:127.0.0.1 -4
says .interfaces[0].probed false
says .interfaces[0].tls[0].handshaken true
says .interfaces[0].tls[0].verified false
says '.interfaces[0].tls[0].reason | test("not to be trusted")' true
says '.interfaces[0].tls[0].mapped | startswith("127.0.0.1:")' true
SSL_CERT_FILE=$tmp/cert.pem json 0 -s stuns:127.0.0.1 -s 127.0.0.1 -4
says .interfaces[0].tls[0].verified true
says .interfaces[0].mapping.value none
SSL_CERT_FILE=$tmp/cert.pem json 4 -s stuns:127.0.0.2 -4
says .interfaces[0].tls[0].verified false
stop_stund
json 3 -s stuns:127.0.0.1 -4
says .interfaces[0].tls[0].connected false

# hang_up: a server that says its part of the handshake, closes, and resets.
hang_up() {
	exec python3 - "$tmp/cert.pem" "$tmp/key.pem" << 'END'
import socket, ssl, struct, sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 5349))
print("ready", flush=True)
peer, _ = listener.accept()
heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(heard, said, server_side=True)
flight = b""
while not flight:
    heard.write(peer.recv(65536))
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        flight = said.read()
peer.sendall(flight)
peer.shutdown(socket.SHUT_WR)
peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
peer.close()
END
}

if python3 -c 'import ssl' 2> /dev/null; then
	hang_up > "$tmp/hang_up" 2>&1 &
	pid=$!
	for _ in $(seq 600); do
		grep -q ready "$tmp/hang_up" && break
		sleep 0.05
	done
	json 3 -s stuns:127.0.0.1 -4
	says .interfaces[0].tls[0].mapped null
	stop_stund
else
	echo "not checked: a TLS server that hangs up: python3 is not installed"
fi
nft -f - << 'END'
table inet test {
	chain input {
		type filter hook input priority filter
		tcp dport 5349 drop
	}
}
END
json 3 -s stuns:127.0.0.1 -4
says '.interfaces[0].tls[0].reason' 'no TCP connection in time'
says '.elapsed_ms < 6000' true
nft delete table inet test

echo "# IPv6"
lab_loopback 2a06:1300:1::10 2a06:1300:1::11
start_stund six.log --listen '[2a06:1300:1::10]' --alternate '[2a06:1300:1::11]'
json 0 -s '[2a06:1300:1::10]:3478' -i lo -6
says .interfaces[0].family ipv6
says .interfaces[0].mapping.value none
says .interfaces[0].filtering.value endpoint-independent
stop_stund

echo "# several interfaces: one that answers, one without a way, one that goes away"
lab_node home
lab_node web
lab_link home:eth0 84.20.3.2/24 web:eth0 84.20.3.1/24,91.80.1.10/32,91.80.1.11/32
lab_link home:eth1 10.7.0.2/24 web:eth1 10.7.0.1/24
lab_link home:eth2 10.8.0.2/24 web:eth2 10.8.0.1/24
lab_route home default via 84.20.3.1
lab_route home default via 10.8.0.9 metric 9 # where nobody is
lab_in web "$stund" --listen 91.80.1.10 --alternate 91.80.1.11 > "$tmp/web.log" 2>&1 &
for _ in $(seq 600); do
	grep -q ' ready' "$tmp/web.log" && break
	sleep 0.05
done
lab_in home "$natprobe" --json -s 91.80.1.10 > "$tmp/json" &
probe=$!
sleep 0.7
lab_in home ip link delete eth2
wait "$probe"
status=$?
[ "$status" = 0 ] || fail "with three interfaces it ended with $status"
says '.interfaces | length' 3
says '.interfaces[0] | .interface + " " + .outcome' 'eth0 reached'
says '.interfaces[0].mapping.value' none
# Without SO_BINDTODEVICE all leave by the same way, whatever interface their address is of.
if [ "$(jq '.interfaces[0].bound_to_interface' "$tmp/json")" = true ]; then
	says '.interfaces[1] | .interface + " " + .why_not' \
		'eth1 no route leads from here to a server'
	says '.interfaces[2] | .interface + " " + .outcome' 'eth2 no-server'
elif [ "$(uname)" = Linux ] && ! grep -q enable-portable "${builddir:-.}/config.log"; then
	fail "eth0 is not bound to its interface"
fi
says '.elapsed_ms < 8000' true
lab_in home "$natprobe" --json -s 91.80.1.10 -i eth0 > "$tmp/json" || fail "-i eth0 ended with $?"
says '.interfaces | length' 1
lab_link home:eth3 10.9.0.2/24 web:eth3 10.9.0.1/24
lab_in home ip rule add from 10.9.0.2 table 77
lab_route home default via 10.9.0.1 table 77
lab_in home "$natprobe" --json -s 91.80.1.10 -i eth3 > "$tmp/json" ||
	fail "a route by source address is not found: $(jq -c .interfaces "$tmp/json")"
says '.interfaces[0].local | startswith("10.9.0.2:")' true
lab_in home ip link set eth1 down
lab_in home ip link set eth1 mode dormant # as every link is for a moment: it works, and is not "running"
lab_in home ip link set eth1 up
lab_in home "$natprobe" --json -s 10.7.0.1 -i eth1 --timeout 1s > "$tmp/json"
grep -q enable-portable "${builddir:-.}/config.log" || # it knows "running" only
	says '.interfaces[0].probed' true
lab_in home ip link set eth1 down
lab_in home "$natprobe" --json -s 91.80.1.10 -i eth1 > "$tmp/json"
[ $? = 3 ] || fail "an interface that is down does not end with 3"
says '.interfaces[0].why_not | test("down")' true

echo "# more interfaces than it probes"
lab_node crowd
for i in $(seq 33); do
	lab_in crowd ip link add "left$i" type veth peer name "right$i"
	lab_in crowd ip address add "10.20.$i.1/24" dev "left$i"
	lab_in crowd ip address add "10.21.$i.1/24" dev "right$i"
	lab_in crowd ip link set "left$i" up
	lab_in crowd ip link set "right$i" up
done
lab_in crowd "$natprobe" --json -4 -s 91.80.1.10 --timeout 1s > "$tmp/json" 2> "$tmp/err"
says '.interfaces | length' 64
grep -q 'only the first 64 ' "$tmp/err" || fail "66 interfaces, and no warning: $(cat "$tmp/err")"

[ "$failed" = 0 ] && echo ok
exit "$failed"
