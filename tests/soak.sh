#!/bin/bash
# soak.sh [MINUTES] - turnd under load for so long (10), and does its memory stay as it is?
#
# Not part of make check; run it before a release, for a day: tests/soak.sh 1440. Prints a line a
# minute, and fails when clients lost their allocations, or when the memory of the last tenth of the
# time is above that of the tenth behind the middle: by more than 2 % in a day, by more than 10 % in
# less than an hour, when tables and the heap still find their size.
#
# Clients come and go all the time: allocations that are made and deleted, others that talk over UDP,
# TCP, TLS and DTLS, strangers with wrong passwords, and noise.
set -u
case ${1:-} in
*[!0-9]*) sed -n '2s/^# //p' "$0" && exit 2 ;;
'') set -- 10 ;;
esac
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need openssl timeout turnutils_uclient turnutils_peer

turnd=${builddir:-.}/turnd/turnd
attack=${builddir:-.}/tests/attack
flood=${builddir:-.}/tests/flood
for tool in "$turnd" "$attack" "$flood"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
minutes=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
SECONDS=0

lab_node relay
lab_node clients
lab_link relay:eth0 91.80.1.1/24 clients:eth0 91.80.1.2/24,91.80.1.3/32
lab_node guests # of their own, since ports of clients that went without goodbye are taken for a while
lab_link relay:eth1 91.80.2.1/24 guests:eth0 91.80.2.2/24
lab_route guests default via 91.80.2.1
lab_route relay 91.81.0.0/16 via 91.80.1.2
lab_route clients blackhole 91.81.0.0/16
for net in 91.80.3.0/24 91.80.6.0/24; do
	lab_route relay $net via 91.80.1.2
	lab_route clients local $net dev lo
done
lab_route relay 91.80.1.3/32 via 91.80.1.2
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=example.org \
	-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2> "$tmp/err" || fail "$(cat "$tmp/err")"
printf '%s\n' "relay-address = 91.80.1.1" "realm = example.org" "cert-file = $tmp/cert.pem" \
	"key-file = $tmp/key.pem" "rfc5766-channels = on" "mobility = on" "tcp-relay = on" \
	"user-quota = 0" "source-quota = 0" "lifetime = 1m" "max-lifetime = 1m" "[user alice]" "password = secret" > "$tmp/conf"
chmod 600 "$tmp/conf"
lab_spawn relay "$tmp/log" "$turnd" --config "$tmp/conf"
pid=$!
lab_spawn clients "$tmp/peer" turnutils_peer -L 91.80.1.3 -p 3480
lab_await relay 2 3478 || fail "turnd does not listen: $(cat "$tmp/log")"

# talk OPTION...: 20 clients for some seconds, from where nobody was of late. Each of them draws
# channel numbers from 0x4000 to 0x7FFF for two peers, and all end with 400 when one has drawn the
# same twice, or 0x7FFF, which is none: 3 of 16384 clients, hence 1 of 273 talks.
talk() {
	echo >> "$tmp/talks"
	lab_in clients timeout 120 turnutils_uclient -u alice -w secret -c -m 20 -n 100 -z 20 \
		-L "$from" -e 91.80.1.3 "$@" 91.80.1.1 > "$said" 2>&1
	grep -q 'tot_recv_msgs=[1-9]' "$said" && return
	if grep -q 'channel bind: error 400' "$said"; then
		echo >> "$tmp/misdrawn"
	else
		fail "clients $*: $(tail -n 3 "$said")"
	fi
}

# come_and_go: allocations, one after another.
come_and_go() {
	for _ in $(seq 200); do
		lab_in guests "$attack" allocate 91.80.1.1 alice secret > "$said" 2>&1 && continue
		fail "no allocation: $(cat "$said")"
		return
	done
}

# work NUMBER...: one kind of load after another, until the time is over.
work() {
	local turn=$1 from said=$tmp/said.$1

	while [ "$SECONDS" -lt $((minutes * 60)) ]; do
		from=91.80.$((3 + $1)).$((turn % 250 + 1))
		case $((turn % 6)) in
		0) talk ;;
		1) talk -t ;;
		2) talk -t -S ;;
		3) talk -S ;;
		4) come_and_go ;;
		5) lab_in clients "$flood" 91.80.1.1:3478 91.81.0.0 $((SECONDS * 65536)) 20000 ;;
		esac
		turn=$((turn + 1))
	done
	return "$failed"
}

# mean FROM TO: kB of memory at these seconds.
mean() {
	awk -v from="$1" -v to="$2" '$1 >= from && $1 <= to { sum += $2; n++ }
		END { print n ? int(sum / n) : 0 }' "$tmp/rss"
}

: > "$tmp/talks"
: > "$tmp/misdrawn"
work 0 &
first=$!
work 3 &
second=$!
: > "$tmp/rss"
while [ "$SECONDS" -lt $((minutes * 60)) ]; do
	sleep 5
	kb=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status") || break
	echo "$SECONDS $kb" >> "$tmp/rss"
	[ $((SECONDS % 60)) -ge 5 ] || echo "$((SECONDS / 60)) min: $kb kB"
done
wait $first || failed=1
wait $second || failed=1

talks=$(wc -l < "$tmp/talks")
misdrawn=$(wc -l < "$tmp/misdrawn")
[ "$misdrawn" -le $((2 + talks / 100)) ] || fail "$misdrawn of $talks talks ended with 400"
end=$((minutes * 60))
start=$((end / 2))
most=$((end < 3600 ? 10 : 2))
early=$(mean $start $((start + (end - start) / 10)))
late=$(mean $((end - (end - start) / 10)) $((end + 60)))
echo "$early kB in the middle, $late kB in the end"
[ $((late * 100)) -le $((early * (100 + most))) ] || fail "it has grown by more than $most %"
kill "$pid"
wait "$pid" || fail "turnd: $? $(tail -n 3 "$tmp/log")"
exit "$failed"
