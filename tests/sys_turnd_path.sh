#!/bin/bash
# turnd between real hosts: TTL, DSCP and ECN go through it, and what routers say about a datagram
# comes to the client that sent it (RFC 8656, section 11.5 and 13 to 16).
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"

ask=${builddir:-.}/tests/turn_path_ask
turnd=${builddir:-.}/turnd/turnd
[ -x "$ask" ] || lab_skip "$ask is not built"
[ -x "$turnd" ] || lab_skip "$turnd is not built"
grep -q enable-portable "${builddir:-.}/config.log" && lab_skip "only Linux tells of IP headers"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

lab_node client ipv6
lab_node relay ipv6
lab_node box ipv6
lab_node far ipv6
lab_link client:eth0 91.80.1.2/24,2a06:1300:1::2/64 relay:eth0 91.80.1.1/24,2a06:1300:1::1/64
lab_link relay:eth1 91.80.2.1/24,2a06:1300:2::1/64 box:lan 91.80.2.2/24,2a06:1300:2::2/64
lab_link box:wan 91.80.3.1/24,2a06:1300:3::1/64 far:eth0 91.80.3.2/24,2a06:1300:3::2/64
lab_router box
lab_route relay 91.80.3.0/24 via 91.80.2.2
lab_route far default via 91.80.3.1
lab_in relay ip -6 route add 2a06:1300:3::/64 via 2a06:1300:2::2
lab_in far ip -6 route add default via 2a06:1300:3::1
lab_in box ip link set wan mtu 1280

cat > "$tmp/turnd.conf" << 'END'
listen = 91.80.1.1
listen = 2a06:1300:1::1
relay-address = 91.80.2.1
relay-address = 2a06:1300:2::1
realm = example.org
[user alice]
password = wonderland
END
chmod 600 "$tmp/turnd.conf"
lab_spawn relay "$tmp/log" "$turnd" --config "$tmp/turnd.conf"
lab_spawn far "$tmp/echo" "$ask" echo 91.80.3.2:9
lab_spawn far "$tmp/echo6" "$ask" echo "[2a06:1300:3::2]:9"
lab_await relay 2 3478 || fail "turnd does not listen: $(cat "$tmp/log")"
lab_await far 2 9

v4=91.80.3.2 v6=2a06:1300:3::2

# check WANT CLIENT PEER WORD...: what came through, in one line
check() {
	local want=$1 server=91.80.1.1 got

	[ "$2" = 91.80.1.2 ] || server='[2a06:1300:1::1]'
	got=$(lab_in client "$ask" ask "$2" "$server:3478" "$3" alice wonderland "${@:4}" 2>&1 |
		tr '\n' ';')
	[ "$got" = "$want" ] || echo "${*:2}: $got, not $want" >> "$tmp/wrong"
}

# says ...: checks, beside others. Few enough for the limit that Linux has for ICMP errors.
checks=()
says() {
	check "$@" &
	checks+=($!)
}

# all_said: when they are through.
all_said() {
	wait "${checks[@]}"
	checks=()
	[ ! -s "$tmp/wrong" ] || fail "$(cat "$tmp/wrong")"
	: > "$tmp/wrong"
}
for _ in $(seq 20); do # until neighbours have found each other
	lab_in client "$ask" ask 2a06:1300:1::2 "[2a06:1300:1::1]:3478" "[$v6]:9" alice wonderland \
		10 | grep -q data && break
done

echo "# TTL counts down, DSCP and ECN stay, both ways and across families"
# The client's 40 is 39 at the relay's end and 38 behind the router; the peer's 50 is 49 when it
# gets to the relay, and leaves it as 48.
for client in 91.80.1.2 2a06:1300:1::2; do
	for peer in $v4:9 "[$v6]:9"; do
		says 'data "ttl=38 tos=185" ttl=48 tos=72;' "$client" "$peer" ttl=40 tos=185 10
		says 'data "ttl=62 tos=0" ttl=48 tos=72;' "$client" "$peer" 10
	done
done
says "" 91.80.1.2 $v4:9 ttl=1 10
all_said

echo "# errors that routers and hosts report"
says "icmp 3/3 mtu 0 for $v4;" 91.80.1.2 $v4:10 10
says "icmp 1/4 mtu 0 for $v6;" 91.80.1.2 "[$v6]:10" 10
says "icmp 11/0 mtu 0 for $v4;" 91.80.1.2 $v4:9 ttl=2 10
says "icmp 3/0 mtu 0 for $v6;" 91.80.1.2 "[$v6]:9" ttl=2 10
all_said

echo "# too big for a link: with DONT-FRAGMENT the client is told, and what it sends next arrives"
says 'data "ttl=62 tos=0" ttl=48 tos=72;' 91.80.1.2 $v4:9 1400
says "icmp 3/4 mtu 1280 for $v4;data \"ttl=62 tos=0\" ttl=48 tos=72;data \"ttl=62 tos=0\" ttl=48 tos=72;" \
	91.80.1.2 $v4:9 df 1400 1200 frag 1400
all_said # Linux remembers for all sockets how long a datagram to that peer may be
# What is known not to fit is refused by the relay itself, and told once as well.
says "icmp 3/4 mtu 1280 for $v4;icmp 3/4 mtu 1280 for $v4;data \"ttl=62 tos=0\" ttl=48 tos=72;" \
	91.80.1.2 $v4:9 df 1400 1400 1200
# From IPv6 it is ignored, and there the relay cuts up what is too long.
says 'data "ttl=62 tos=0" ttl=48 tos=72;' 2a06:1300:1::2 $v4:9 df 1400
says "icmp 2/0 mtu 1280 for $v6;data \"ttl=62 tos=0\" ttl=48 tos=72;" 91.80.1.2 "[$v6]:9" 1400 1400
all_said

[ "$failed" = 0 ] && echo "ok"
exit "$failed"
