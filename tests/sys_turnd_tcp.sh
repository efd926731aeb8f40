#!/bin/bash
# TCP on the far side (RFC 6062) through turnd with 4 workers: connections to peers and from them,
# 20 MB both ways at once and compared, each end closed for itself; coturn's client over TCP and
# TLS, active and passive. Nothing is left behind; and without tcp-relay there is none of it.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need openssl ss turnutils_uclient

bin=${builddir:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
server=91.80.1.10
peer=91.80.1.20
peer6=2a01:4f8::20
server6=2a01:4f8::10
lab_loopback $server $peer $server6 $peer6
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=turn.test \
	-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2> "$tmp/openssl" || lab_skip "openssl cannot"

# start OPTION...: turnd with these beside its file; fails after 10 seconds.
start() {
	"$bin/turnd/turnd" --config "$tmp/turnd.conf" "$@" > "$tmp/log" 2>&1 &
	turnd=$!
	for _ in $(seq 600); do
		grep -q 'is ready' "$tmp/log" && return
		sleep 0.05
	done
	cat "$tmp/log"
	exit 1
}

stop() {
	kill "$turnd"
	wait "$turnd" || fail "turnd ended with $?: $(tail -n 5 "$tmp/log")"
}

# descriptors: how many turnd has open.
descriptors() {
	find "/proc/$turnd/fd" -mindepth 1 | wc -l
}

# ask NAME BYTES [PEER]
ask() {
	"$bin/tests/turn_link_ask" $server:3478 "${3:-$peer}" alice secret "$2" > "$tmp/out" 2>&1
	[ "$(xargs < "$tmp/out")" = "connected called deleted" ] ||
		fail "$1: $(cat "$tmp/out" "$tmp/log")"
}

# uclient NAME OPTION...: coturn's client, in the background. Its status says nothing.
uclient() {
	timeout 60 turnutils_uclient -n 100 -m 2 -l 1000 -z 5 -u alice -w secret "${@:2}" $server \
		> "$tmp/uclient.$1" 2>&1 &
	clients+=($!)
}

# arrived NAME LEAST: so many of its 200 messages came back. It leaves before the last answers, and
# half of them go to the passive side, which answers nothing.
arrived() {
	local got

	got=$(sed -n 's/.*tot_recv_msgs=\([0-9]*\).*/\1/p' "$tmp/uclient.$1" | tail -n 1)
	[ "${got:-0}" -ge "$2" ] || fail "$1: ${got:-no} messages: $(tail -n 20 "$tmp/uclient.$1")"
}

# The client of coturn that waits for its peers permits them by their loopback address.
(umask 077 && cat > "$tmp/turnd.conf") << END
listen = $server
relay-address = $server, $server6
realm = example.org
workers = 4
cert-file = $tmp/cert.pem
key-file = $tmp/key.pem
allow-peer = 127.0.0.0/8
[user alice]
password = secret
END

start --tcp-relay
before=$(descriptors)
ask "20 MB" 20000000
# Which worker gets which connection is the kernel's choice: sixteen show all cases.
for i in $(seq 8); do
	ask "connections $i" 300000
done
ask "to IPv6" 300000 $peer6
clients=()
uclient TCP -T
uclient TLS -T -S -p 5349
uclient passive -P
wait "${clients[@]}"
arrived TCP 190
arrived TLS 190
arrived passive 95
for _ in $(seq 600); do
	[ "$(descriptors)" -gt "$before" ] || break
	sleep 0.05
done
[ "$(descriptors)" -le "$before" ] || fail "$(descriptors) descriptors, and $before before"
[ -z "$(ss -Htln "src $server and sport >= :49152")" ] || fail "relayed addresses still listen"
stop

start
"$bin/tests/turn_link_ask" $server:3478 $peer alice secret > "$tmp/out" 2>&1 &&
	fail "it is on where nobody asked for it"
grep -q '^failed: .*(442)' "$tmp/out" || fail "without tcp-relay: $(cat "$tmp/out")"
stop
exit "$failed"
