#!/bin/bash
# A million datagrams of strangers, each from a 5-tuple of its own and together from 65,536 sources,
# while turnd limits what it answers and while it does not: it grows by less than 1 MB, and whoever
# knows a password gets in meanwhile.
#
#	sys_turnd_flood.sh [--full]	# ten millions each time
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need openssl

turnd=${builddir:-.}/turnd/turnd
flood=${builddir:-.}/tests/flood
attack=${builddir:-.}/tests/attack
for tool in "$turnd" "$flood" "$attack"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
count=1000000
[ "${1:-}" != --full ] || count=10000000
warm=20000
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

lab_node relay
lab_node strangers
lab_node client
lab_link relay:eth0 91.80.1.1/24 strangers:eth0 91.80.1.2/24
lab_link relay:eth1 91.80.2.1/24 client:eth0 91.80.2.2/24
lab_route relay 91.81.0.0/16 via 91.80.1.2
lab_route strangers blackhole 91.81.0.0/16
lab_route client default via 91.80.2.1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=example.org \
	-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2> "$tmp/err" || fail "$(cat "$tmp/err")"

# rss: of turnd, in kB.
rss() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status"
}

# metrics: of turnd, in $tmp/metrics.
metrics() {
	# shellcheck disable=SC2016	# for the other shell
	lab_in relay bash -c 'exec 3<> /dev/tcp/127.0.0.1/9641 &&
		printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && cat <&3' > "$tmp/metrics"
}

# seen: how many datagrams turnd has taken and judged. Requests within no budget count as dropped,
# and bad cookies as answered by another one.
seen() {
	metrics
	awk '/^turnd_(requests|dropped|dtls_cookies_sent|dtls_dropped)_total/ && !/limited/ {
		sum += $2 } END { print sum + 0 }' "$tmp/metrics"
}

# is_idle: nothing is left of anybody.
is_idle() {
	metrics
	grep -q '^turnd_allocations 0' "$tmp/metrics" &&
		grep -q '^turnd_dtls_sessions 0' "$tmp/metrics" &&
		grep -q '^turnd_dtls_half_open 0' "$tmp/metrics"
}

# pour FIRST COUNT
pour() {
	lab_in strangers "$flood" 91.80.1.1:3478 91.81.0.0 "$@" || fail "flood: $?"
}

# rain COUNT: so many arrive; what the kernel had no room for is made up for.
rain() {
	local begun got=0 sent=$warm

	begun=$(seen)
	while [ "$got" -lt "$1" ] && [ "$failed" = 0 ]; do
		pour "$sent" $(($1 - got + 1000))
		sent=$((sent + $1 - got + 1000))
		got=$(($(seen) - begun))
	done
	return "$failed"
}

# come_and_go: clients allocate until the rain is over, one after another. Their requests are lost
# with all the others where the kernel has no room: most need no more than a second, and each gets in.
come_and_go() {
	local all=0 quick=0

	while kill -0 "$raining" 2> /dev/null; do
		if lab_in client "$attack" allocate 91.80.1.1:3478 alice secret > "$tmp/client" 2>&1; then
			[ "$(cat "$tmp/client")" -gt 3 ] || quick=$((quick + 1))
		else
			fail "a client with a password: $(cat "$tmp/client")"
		fi
		all=$((all + 1))
	done
	[ $((quick * 10)) -ge $((all * 8)) ] || fail "$quick of $all clients were quick"
	echo "  $all clients, $quick of them quick"
}

# storm LINE: a turnd with this in its configuration, and what becomes of it.
storm() {
	local before grown

	printf '%s\n' "listen = 91.80.1.1" "relay-address = 91.80.2.1" "realm = example.org" \
		"cert-file = $tmp/cert.pem" "key-file = $tmp/key.pem" "admin = 9641" \
		"tcp-relay = on" "mobility = on" "$1" "[user alice]" "password = secret" \
		> "$tmp/conf"
	chmod 600 "$tmp/conf"
	lab_spawn relay "$tmp/log" "$turnd" --config "$tmp/conf"
	pid=$!
	lab_await relay 2 3478 || fail "turnd does not listen: $(cat "$tmp/log")"
	pour 0 $warm
	before=$(rss)
	rain $count &
	raining=$!
	come_and_go
	wait "$raining" || failed=1
	grown=$(($(rss) - before))
	echo "  $before kB, and $grown kB after $count datagrams"
	# Sanitizers keep for a while what was freed.
	[ "$grown" -lt 1024 ] || grep -q -- enable-sanitizers "${builddir:-.}/config.log" || fail "$1: it grows by $grown kB"
	is_idle || fail "something is left: $(cat "$tmp/metrics")"
	kill "$pid"
	wait "$pid" || fail "turnd: $? $(cat "$tmp/log")"
}

echo "# within a budget of error answers"
storm "error-rate = 30"
echo "# with an answer to everybody"
storm "error-rate = 0"
exit "$failed"
