#!/bin/bash
# The way out of an interface, and the first router on it, as natprobe sees them.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"

ask=${builddir:-.}/tests/route_ask
[ -x "$ask" ] || lab_skip "$ask is not built"
grep -q enable-portable "${builddir:-.}/config.log" && lab_skip "only Linux tells of gateways"

# way NODE INTERFACE ADDRESS WANT
way() {
	local got

	got=$(lab_in "$1" "$ask" "$2" "$3" 2>&1)
	[ "$got" = "$4" ] || fail "from $2 to $3: $got, not $4"
}

lab_node home ipv6
lab_node near ipv6
lab_node far ipv6
lab_link home:eth0 192.168.1.2/24,2a06:1300:7::2/64 near:eth0 192.168.1.1/24,2a06:1300:7::1/64
lab_link home:eth1 10.7.0.2/24 far:eth0 10.7.0.1/24

echo "# the default route of each interface, whichever is preferred"
lab_route home default via 192.168.1.1
lab_route home default via 10.7.0.1 metric 9
way home eth0 91.80.1.10 '192.168.1.2 via 192.168.1.1'
way home eth1 91.80.1.10 '10.7.0.2 via 10.7.0.1'
way home eth0 192.168.1.9 '192.168.1.2 direct'
way home lo 127.0.0.1 '127.0.0.1 local'

echo "# a router that only another table names, for packets from one address"
lab_in home ip route del default via 10.7.0.1
lab_in home ip rule add from 10.7.0.2 table 77
lab_route home default via 10.7.0.9 table 77
way home eth1 91.80.1.10 '10.7.0.2 via 10.7.0.9'

echo "# two routers that share the load: one of them"
lab_in home ip rule del from 10.7.0.2 table 77
lab_route home 91.80.2.0/24 nexthop via 10.7.0.8 dev eth1 nexthop via 10.7.0.8 dev eth1 weight 2
way home eth1 91.80.2.1 '10.7.0.2 via 10.7.0.8'

echo "# IPv6: routers have link-local addresses, which mean nothing without their interface"
router=$(lab_in near ip -6 -oneline address show dev eth0 scope link | sed 's/.*inet6 \([^/]*\).*/\1/')
index=$(lab_in home ip -oneline link show dev eth0 | sed 's/:.*//')
lab_route home default via "$router" dev eth0
way home eth0 2a06:1300:1::10 "2a06:1300:7::2 via $router%$index"

echo "# no router at all"
lab_route home 91.80.3.0/24 dev eth1
way home eth1 91.80.3.1 '10.7.0.2 direct'

[ "$failed" = 0 ] && echo "ok"
exit "$failed"
