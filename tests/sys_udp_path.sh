#!/bin/bash
# What routers say about datagrams reaches the socket that sent them: unreachable, too big, too old.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"

ask=${builddir:-.}/tests/udp_path_ask
[ -x "$ask" ] || lab_skip "$ask is not built"
grep -q enable-portable "${builddir:-.}/config.log" && lab_skip "only Linux tells of ICMP errors"

# says WANT LOCAL PEER WORD...: what came of it, in one line
says() {
	local want=$1 got

	shift
	got=$(lab_in home "$ask" "$@" 2>&1 | tr '\n' ';')
	[ "$got" = "$want" ] || fail "$*: $got, not $want"
}

lab_node home ipv6
lab_node box ipv6
lab_node far ipv6
lab_link home:eth0 91.80.1.2/24,2a06:1300:1::2/64 box:lan 91.80.1.1/24,2a06:1300:1::1/64
lab_link box:wan 91.80.2.1/24,2a06:1300:2::1/64 far:eth0 91.80.2.2/24,2a06:1300:2::2/64
lab_router box
lab_route home default via 91.80.1.1
lab_route far default via 91.80.2.1
lab_in home ip -6 route add default via 2a06:1300:1::1
lab_in far ip -6 route add default via 2a06:1300:2::1
lab_in box ip link set wan mtu 1280

echo "# a port that nobody has"
here=91.80.1.2 there=91.80.2.2:9
says "sent;icmp 3/3 mtu 0 for 91.80.2.2;sent;icmp 3/3 mtu 0 for 91.80.2.2;" $here $there 0 100
here6=2a06:1300:1::2 there6='[2a06:1300:2::2]:9'
for _ in $(seq 20); do # until neighbours have found each other
	lab_in home "$ask" $here6 "$there6" 0 | grep -q icmp && break
done
says "sent;icmp 1/4 mtu 0 for 2a06:1300:2::2;" $here6 "$there6" 100

echo "# a link too narrow: routers cut IPv4 up where they may, and say so where not"
says "sent;icmp 3/3 mtu 0 for 91.80.2.2;" $here $there frag 1400
says "sent;icmp 3/4 mtu 1280 for 91.80.2.2;" $here $there df 1400
# Known by now, and so our own system refuses it; what is shorter goes, and so does all without DF.
says "refused;icmp 3/4 mtu 1280 for 91.80.2.2;sent;icmp 3/3 mtu 0 for 91.80.2.2;sent;icmp 3/3 mtu 0 for 91.80.2.2;" \
	$here $there df 1400 1200 frag 1400
says "sent;icmp 2/0 mtu 1280 for 2a06:1300:2::2;" $here6 "$there6" frag 1400
says "sent;icmp 1/4 mtu 0 for 2a06:1300:2::2;" $here6 "$there6" frag 1400
says "refused;icmp 2/0 mtu 1280 for 2a06:1300:2::2;" $here6 "$there6" df 1400

echo "# the last hop: by the TTL of one datagram, while others go as usual"
says "sent;icmp 11/0 mtu 0 for 91.80.2.2;sent;icmp 3/3 mtu 0 for 91.80.2.2;" \
	$here $there ttl=1 10 ttl=0 10
says "sent;icmp 3/0 mtu 0 for 2a06:1300:2::2;sent;icmp 1/4 mtu 0 for 2a06:1300:2::2;" \
	$here6 "$there6" ttl=1 10 ttl=0 10

[ "$failed" = 0 ] && echo "ok"
exit "$failed"
