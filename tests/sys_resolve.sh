#!/bin/bash
# How natprobe finds its servers: SRV, A, AAAA, and a DNS that does not answer.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need jq dnsmasq

natprobe=${builddir:-.}/natprobe/natprobe
[ -x "$natprobe" ] || lab_skip "$natprobe is not built"
unset NATPROBE_SERVER LOCALDOMAIN RES_OPTIONS
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# nameserver ADDRESS: who is asked from now on.
nameserver() {
	echo "nameserver $1" > "$tmp/resolv.conf"
}

# No route leads to these servers, so every run ends with 3, and at once; the names are what counts.
resolve() {
	timeout 20 "$natprobe" --json --timeout 4s "$@" > "$tmp/json" 2> "$tmp/err"
	got=$?
	[ "$got" = 3 ] || fail "natprobe $* ended with $got: $(cat "$tmp/err")"
}

says() {
	local got

	got=$(jq -r "$1" "$tmp/json")
	[ "$got" = "$2" ] || fail "$1 is $got, not $2"
}

: > "$tmp/resolv.conf"
: > "$tmp/hosts"
for file in resolv.conf hosts; do
	mount --bind "$tmp/$file" "/etc/$file" || lab_skip "files cannot be bound over /etc here"
done

# 127.0.0.53 answers; 127.0.0.99 is what a packet filter makes of a dead one. Questions about
# _udp.slow.test are handed on to the dead one.
dnsmasq --keep-in-foreground --log-facility=- --conf-file=/dev/null --pid-file= --user= --group= \
	--no-resolv --no-hosts \
	--bind-interfaces --listen-address=127.0.0.53 --port=53 --local=/test/ \
	--server=/_udp.slow.test/127.0.0.99 --server=/_tcp.slow.test/127.0.0.99 \
	--host-record=both.test,91.80.1.1,2a06:1300:1::1 \
	--host-record=four.test,91.80.1.2 \
	--host-record=six.test,2a06:1300:1::3 \
	--host-record=slow.test,91.80.1.4 \
	--host-record=srv.test,91.80.1.5 \
	--host-record=first.test,91.80.2.1,2a06:1300:1::21 --host-record=heavy.test,91.80.2.2 \
	--host-record=light.test,91.80.2.3 --host-record=stream.test,91.80.2.4 \
	--host-record=many.test,91.80.5.1,2a06:1300:1::51 --host-record=many.test,91.80.5.2 \
	--host-record=ipv4only.arpa,192.0.0.170,2001:db8:122:344:c0:0:aa00:: \
	--srv-host=_stun._udp.many.srv.test,many.test,4008,10,1 \
	--srv-host=_stun._udp.srv.test,light.test,4001,10,1 \
	--srv-host=_stun._udp.srv.test,heavy.test,4002,10,9 \
	--srv-host=_stun._udp.srv.test,four.test,4003,20,99 \
	--srv-host=_stun._tcp.srv.test,stream.test,4004,10,1 \
	--srv-host=_stuns._tcp.srv.test,first.test,4005,10,1 \
	--srv-host=_stun._udp.only.test,first.test,4006,10,1 \
	--srv-host=_stun._udp.lost.test,nowhere.test,4007,10,1 \
	> "$tmp/dnsmasq.log" 2>&1 &
nft -f - << 'END'
table inet test {
	chain input {
		type filter hook input priority filter
		ip daddr 127.0.0.99 drop
	}
}
END
nameserver 127.0.0.53
for _ in $(seq 600); do
	grep -q started "$tmp/dnsmasq.log" && break
	sleep 0.05
done

echo "# A and AAAA"
resolve -s both.test:5000
says '.servers[0].ipv4.udp' 91.80.1.1:5000
says '.servers[0].ipv6.udp' '[2a06:1300:1::1]:5000'
says '.servers[0].ipv4.tcp' 91.80.1.1:5000
says '.servers[0].error' null
resolve -s four.test
says '.servers[0].ipv4.udp' 91.80.1.2:3478
says '.servers[0].ipv6' null
resolve -s stun:six.test
says '.servers[0].ipv4' null
says '.servers[0].ipv6.udp' '[2a06:1300:1::3]:3478'
resolve -4 -s both.test
says '.servers[0].ipv4.udp' 91.80.1.1:3478
says '.servers[0].ipv6' null

echo "# SRV: lowest priority, then heaviest, the others behind; with a port there is none"
resolve -s srv.test
says '[.servers[].ipv4.udp] | join(" ")' '91.80.2.2:4002 91.80.2.3:4001 91.80.1.2:4003'
says '.servers[0].ipv4.tcp' 91.80.2.4:4004
resolve -s srv.test:3478
says '.servers[0].ipv4.udp' 91.80.1.5:3478
resolve -s stuns:srv.test
says '.servers[0].ipv4.udp' null
says '.servers[0].ipv4.tls' 91.80.2.1:4005
says '.servers[0].ipv6.tls' '[2a06:1300:1::21]:4005'
resolve -s only.test
says '.servers[0].ipv4.udp' 91.80.2.1:4006
says '.servers[0].ipv4.tcp' 91.80.2.1:4006
resolve -s stuns:four.test
says '.servers[0].ipv4.tls' 91.80.1.2:5349

echo "# a name with several addresses counts as several servers, behind those that are named"
resolve -s many.test -s four.test
says '[.servers[].server] | join(" ")' 'many.test four.test many.test'
says '[.servers[].ipv4.udp] | sort | join(" ")' '91.80.1.2:3478 91.80.5.1:3478 91.80.5.2:3478'
says '[.servers[].ipv6.udp | strings] | join(" ")' '[2a06:1300:1::51]:3478'
resolve -s many.srv.test
says '[.servers[].ipv4.udp] | sort | join(" ")' '91.80.5.1:4008 91.80.5.2:4008'
resolve -s stuns:many.test -4
says '[.servers[].ipv4.tls] | sort | join(" ")' '91.80.5.1:5349 91.80.5.2:5349'

echo "# several, one of which does not exist"
resolve -s nowhere.test -s four.test -s lost.test
says '.servers[0].error' 'no such name in DNS'
says '.servers[0].ipv4' null
says '.servers[1].ipv4.udp' 91.80.1.2:3478
says '.servers[2].error | type' string
resolve -s nowhere.test
says '.interfaces[0].why_not | test("no server has an IPv[46] address")' true

echo "# SRV is not answered: the address alone will do, after a moment"
resolve -s slow.test
says '.servers[0].ipv4.udp' 91.80.1.4:3478
says '.elapsed_ms < 2500' true

echo "# addresses need no DNS, and names in /etc/hosts none either"
nameserver 127.0.0.99
resolve -s 91.80.3.1 -s '[2a06:1300:1::5]:99' -s stuns:91.80.3.2
says '.servers[0].ipv4.udp' 91.80.3.1:3478
says '.servers[1].ipv6.udp' '[2a06:1300:1::5]:99'
says '.servers[2].ipv4.tls' 91.80.3.2:5349
echo '91.80.3.3 hosted.test' > "$tmp/hosts"
resolve -s hosted.test:3478
says '.servers[0].ipv4.udp' 91.80.3.3:3478

echo "# DNS does not answer at all"
resolve -s four.test
says '.servers[0].error' 'DNS did not answer in time'
says '.elapsed_ms < 2500' true
resolve -s four.test:3478 -s 91.80.3.1
says '.servers[1].ipv4.udp' 91.80.3.1:3478
says '.elapsed_ms < 2500' true
resolve --timeout 20s -s four.test -s 91.80.3.1
says '.servers[1].ipv4.udp' 91.80.3.1:3478
says '.elapsed_ms < 2500' true
nameserver 127.0.0.98
resolve -s four.test
says '.servers[0].error | type' string
says '.elapsed_ms < 2500' true

echo "# one address of a name is dead"
printf '127.0.0.7 pair.test\n127.0.0.1 pair.test\n' > "$tmp/hosts"
"${builddir:-.}/stund/stund" --listen 127.0.0.1 --alternate 127.0.0.2 > "$tmp/stund.log" 2>&1 &
stund=$!
for _ in $(seq 600); do
	grep -q ' ready' "$tmp/stund.log" && break
	sleep 0.05
done
timeout 20 "$natprobe" --json -4 -s pair.test:3478 > "$tmp/json" ||
	fail "with one of two addresses dead it ended with $?"
says '.interfaces[0].filtering.value' endpoint-independent
says '[.interfaces[0].asked[].server] | join(" ")' 'pair.test:3478 pair.test:3478'

echo "# DNS tells of a NAT64"
nameserver 127.0.0.53
timeout 20 "$natprobe" --json --deep -4 -s 127.0.0.1 > "$tmp/json" || fail "--deep ended with $?"
says '.interfaces[0].properties["nat64.prefix"].value' 64
nameserver 127.0.0.99
timeout 20 "$natprobe" --json --deep -4 -s 127.0.0.1 > "$tmp/json" || fail "--deep ended with $?"
says '.interfaces[0].properties["nat64.prefix"].value' unknown
kill "$stund"

[ "$failed" = 0 ] && echo ok
exit "$failed"
