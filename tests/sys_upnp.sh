#!/bin/bash
# UPnP: Debian's miniupnpd as the gateway, a gateway without it, and somebody else who has it.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need miniupnpd

ask=${builddir:-.}/tests/upnp_ask
[ -x "$ask" ] || lab_skip "$ask is not built"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

lab_node home
lab_node box
lab_link home:eth0 192.168.1.2/24 box:lan 192.168.1.1/24
lab_route home default via 192.168.1.1
lab_router box
[ "$(lab_in home "$ask" 192.168.1.2 192.168.1.1)" != 'not built' ] ||
	lab_skip "natprobe is built without UPnP"

# says GATEWAY WANT
says() {
	local got

	got=$(lab_in home "$ask" 192.168.1.2 "$1")
	[ "$got" = "$2" ] || fail "of $1: $got, not $2"
}

echo "# nobody is there"
says 192.168.1.1 'no '

echo "# miniupnpd on the gateway"
lab_in box ip link add name wan type veth peer name isp
lab_address box wan 84.20.3.2/24
lab_in box ip link set isp up
lab_nft box << 'END'
table inet filter {
	chain miniupnpd { }
	chain prerouting_miniupnpd { }
	chain postrouting_miniupnpd { }
}
END
cat > "$tmp/conf" << END
ext_ifname=wan
listening_ip=lan
http_port=5000
enable_upnp=yes
enable_natpmp=no
secure_mode=yes
uuid=5bd7bcd2-5af5-4f0f-8a3b-000000000001
lease_file=$tmp/leases
END
lab_spawn box "$tmp/log" miniupnpd -d -f "$tmp/conf" -P "$tmp/pid"
lab_await box 1 1900 || lab_skip "miniupnpd does not start: $(tail -n 1 "$tmp/log")"
says 192.168.1.1 'yes 84.20.3.2'

echo "# it is somebody else's"
says 192.168.1.9 'unknown ambiguous'

[ "$failed" = 0 ] && echo "ok"
exit "$failed"
