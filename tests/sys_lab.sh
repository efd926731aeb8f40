#!/bin/bash
# The laboratory itself: what it promises to the tests that stand on it.
set -eu
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"

fail() {
	echo "FAIL: $*"
	exit 1
}

lab_loopback 91.80.1.10 2a06:1300:1::10
for address in 91.80.1.10 2a06:1300:1::10; do
	ip route get "$address" | grep -q '^local' || fail "$address is not ours on loopback"
done

lab_node home
lab_node box
lab_node web ipv6
lab_link home:eth0 192.168.1.2/24 box:lan 192.168.1.1/24
lab_link box:wan 84.20.3.2/24 web:eth0 84.20.3.1/24,91.80.1.11/32,2a06:1300:1::11/64
lab_route home default via 192.168.1.1
lab_route box default via 84.20.3.1
lab_router box
lab_nft box << 'END'
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat
		oifname "wan" masquerade
	}
}
END

links=$(lab_in home ip -oneline link | wc -l)
[ "$links" = 2 ] || fail "home has $links links, not loopback and eth0"
[ -z "$(lab_in home ip -6 address)" ] || fail "an IPv4 node has IPv6 addresses"
lab_in web ip -6 address show tentative | grep -q . && fail "an IPv6 address is not usable at once"

lab_spawn web /dev/null sleep 60
kill -0 "$!" || fail "a spawned command is not its process"
route=$(lab_in home ip route get 91.80.1.11)
[[ $route == *'via 192.168.1.1'* ]] || fail "home's way to the web: $route"

echo "ok"
