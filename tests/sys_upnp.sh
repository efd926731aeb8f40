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

# says GATEWAY WANT [LOCAL DEVICE]
says() {
	local got

	got=$(lab_in home "$ask" "${3:-192.168.1.2}" "$1" "${@:4}" 2> "$tmp/err")
	[ "$got" = "$2" ] || fail "of $1: $got, not $2"
	[ ! -s "$tmp/err" ] || fail "of $1: $(cat "$tmp/err")"
}

# start_miniupnpd NODE ADDRESS: with a port outside that has that address.
start_miniupnpd() {
	lab_in "$1" ip link add name wan type veth peer name isp
	lab_address "$1" wan "$2/24"
	lab_in "$1" ip link set isp up
	lab_nft "$1" << 'END'
table inet filter {
	chain miniupnpd { }
	chain prerouting_miniupnpd { }
	chain postrouting_miniupnpd { }
}
END
	cat > "$tmp/$1.conf" << END
ext_ifname=wan
listening_ip=lan
http_port=5000
enable_upnp=yes
enable_natpmp=no
secure_mode=yes
uuid=5bd7bcd2-5af5-4f0f-8a3b-000000000001
lease_file=$tmp/$1.leases
END
	lab_spawn "$1" "$tmp/$1.log" miniupnpd -d -f "$tmp/$1.conf" -P "$tmp/$1.pid"
	lab_await "$1" 1 1900 || lab_skip "miniupnpd does not start: $(tail -n 1 "$tmp/$1.log")"
}

echo "# nobody is there"
says 192.168.1.1 'no '

echo "# miniupnpd on the gateway"
start_miniupnpd box 84.20.3.2
says 192.168.1.1 'yes 84.20.3.2'

echo "# it is somebody else's"
says 192.168.1.9 'unknown ambiguous'

echo "# it announces itself, and lets nobody connect"
lab_nft box << 'END'
table inet closed {
	chain input {
		type filter hook input priority -10
		tcp dport 5000 reject with tcp reset
	}
}
END
says 192.168.1.1 'unknown ambiguous'
lab_in box nft delete table inet closed

echo "# another interface has a gateway of the same address"
lab_node other
lab_link home:eth1 192.168.1.3/24 other:lan 192.168.1.1/24
start_miniupnpd other 84.20.4.2
says 192.168.1.1 'yes 84.20.3.2' 192.168.1.2 eth0
says 192.168.1.1 'unknown ambiguous' 192.168.1.3 eth1

[ "$failed" = 0 ] && echo "ok"
exit "$failed"
