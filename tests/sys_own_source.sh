#!/bin/bash
# Datagrams that show our own address as their source: Linux drops them, the tap sees them.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"

ask=${builddir:-.}/tests/tap_ask
[ -x "$ask" ] || lab_skip "$ask is not built"
grep -q enable-portable "${builddir:-.}/config.log" && lab_skip "only Linux has taps"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A box that hairpins without translating the source (RFC 4787, REQ-9a).
lab_node home
lab_node box
lab_link home:eth0 192.168.1.2/24 box:lan 192.168.1.1/24
lab_route home default via 192.168.1.1
lab_router box
lab_sysctl box ipv4.conf.all.send_redirects=0
lab_nft box << 'END'
table ip nat {
	chain pre {
		type nat hook prerouting priority dstnat
		ip daddr 84.20.3.9 udp dport 7000 dnat to 192.168.1.2
		ip daddr 84.20.3.9 tcp dport 7000 dnat to 192.168.1.2
	}
}
END

# send TEXT HOST PORT
send() {
	# shellcheck disable=SC2016	# for the inner bash
	lab_in home bash -c 'echo -n "$0" > "/dev/udp/$1/$2"' "$@"
}

lab_spawn home "$tmp/log" "$ask" eth0 192.168.1.2 2
tap=$!
for _ in $(seq 600); do
	grep -q . "$tmp/log" && break
	sleep 0.05
done
grep -q ready "$tmp/log" || fail "no tap: $(cat "$tmp/log")"
send "no hairpin" 192.168.1.2 7000 # does not leave the host
send "goes out" 192.168.1.1 7000
lab_in home timeout 1 bash -c ': > /dev/tcp/84.20.3.9/7000' 2> "$tmp/err" # not UDP
send one 84.20.3.9 7000
send two 84.20.3.9 7000
wait "$tap" || fail "the tap did not see two datagrams: $(cat "$tmp/log")"
[ "$(sed -E 's/^[0-9]+/PORT/' "$tmp/log")" = $'ready\nPORT to 7000: one\nPORT to 7000: two' ] ||
	fail "the tap saw: $(cat "$tmp/log")"

[ "$(lab_in home "$ask" eth0 2a06:1300:1::10 1)" = 'not needed' ] || fail "IPv6 is tapped"
refusal=$(lab_in home setpriv --bounding-set=-net_raw --inh-caps=-net_raw "$ask" eth0 192.168.1.2 1)
[ "$refusal" = 'Operation not permitted' ] || fail "without the privilege: $refusal"

[ "$failed" = 0 ] && echo "ok"
exit "$failed"
