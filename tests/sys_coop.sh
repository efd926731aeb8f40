#!/bin/bash
# A cooperating stund with real packets: answers that are late, elsewhere, long or in pieces,
# connections and what comes of them, ICMP errors; what it does not do; reload and stop.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need curl setpriv

stund=${builddir:-.}/stund/stund
ask=${builddir:-.}/tests/coop_ask
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for tool in "$stund" "$ask"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done

A1=91.80.1.1 A2=91.80.1.2 HOME=91.80.1.7
six=ipv6
[ -d /proc/sys/net/ipv6 ] || six=ipv4

# start OPTION...: a stund at web, once it is ready; its log is $tmp/log.
start() {
	local pair=(--listen "$A1" --alternate "$A2")

	[ $six = ipv4 ] || pair=(--listen "$A1,2a01:db8::1" --alternate "$A2,2a01:db8::2")
	lab_spawn web "$tmp/log" "$@" "$stund" "${pair[@]}" --admin 9641 --workers 2 "${cooperate[@]}"
	pid=$!
	for _ in $(seq 600); do
		grep -q 'is ready' "$tmp/log" && return
		sleep 0.05
	done
	fail "stund is not ready: $(cat "$tmp/log")"
}

stop() {
	local status

	kill -TERM $pid
	wait $pid
	status=$?
	[ $status = 0 ] || fail "after SIGTERM stund ended with $status: $(cat "$tmp/log")"
}

# asks ARGUMENT...: of coop_ask at home; what it says is in $tmp/out.
asks() {
	last="coop_ask $*"
	lab_in home "$ask" "$@" > "$tmp/out" 2>&1
}

# says PATTERN...: each of them is in a line of it.
says() {
	for pattern; do
		grep -qE -- "$pattern" "$tmp/out" || fail "$last: no \"$pattern\" in: $(cat "$tmp/out")"
	done
}

# counts N PATTERN
counts() {
	local n

	n=$(grep -cE -- "$2" "$tmp/out")
	[ "$n" = "$1" ] || fail "$last: $n times \"$2\", not $1: $(cat "$tmp/out")"
}

# metric NAME VALUE
metric() {
	local value

	value=$(lab_in web curl -s 127.0.0.1:9641/metrics | awk -v name="$1" '$1 == name { print $2 }')
	[ "$value" = "$2" ] || fail "$1 is \"$value\", not $2"
}

lab_node web $six
lab_node home $six
if [ $six = ipv6 ]; then
	lab_link web:eth0 "$A1/24,$A2/24,2a01:db8::1/64,2a01:db8::2/64" home:eth0 "$HOME/24,2a01:db8::7/64"
	servers=("$A1:3478" "[2a01:db8::1]:3478")
else
	lab_link web:eth0 "$A1/24,$A2/24" home:eth0 "$HOME/24"
	servers=("$A1:3478")
fi
lab_nft home << 'END'
table inet wall {
	chain in {
		type filter hook input priority 0
		tcp dport 4902 reject with icmpx type admin-prohibited
		tcp dport 4903 drop
		tcp dport 4904 reject with icmpx type port-unreachable
	}
}
END

echo "# without being told to, it does not cooperate"
cooperate=()
start
asks $A1:3478
says '^no token'
lab_in web curl -s 127.0.0.1:9641/metrics | grep -q stund_coop && fail "there are metrics of it"
stop

cooperate=(--cooperate)
start
for server in "${servers[@]}"; do
	echo "# answers, $server"
	asks "$server" delay=150 count=2 gap=50 id=77 flags=ip,port time=400
	says '^token [0-9a-f]{32}' '^accepted id=77 kind=1' \
		'^done id=77 .*index=0 .*elapsed=1[5-9][0-9] .*:3479 ' \
		'^done id=77 .*index=1 .*elapsed=2[0-9][0-9] .*:3479 '
	asks "$server" flags=any time=150
	counts 0 '^done .*:347[89] '
	counts 1 '^done .*received=68'
	asks "$server" flags=quiet delay=60 copies=3 time=200
	counts 1 '^(done|accepted|sent)'
	asks "$server" copies=3 time=150
	counts 1 '^done'
	asks "$server" pad=1400 time=150
	says '^accepted .*received=1400'

	echo "# sizes and fragments, $server"
	asks "$server" size=1400 flags=df time=150
	says '^done .*len=1400'
	asks "$server" size=2000 flags=df time=150
	says '^unable'
	counts 0 '^done'
	asks "$server" size=2000 sniff=eth0 time=150
	says '^done .*len=2000'
	counts 2 '^fragment'
	asks "$server" size=600 flags=fragments sniff=eth0 time=150
	says '^done .*len=600' '^fragment offset=304 more=0'
	asks "$server" size=3000 flags=fragments,reversed,ip sniff=eth0 time=150
	says '^done .*len=3000 '
	[ "$(grep -oE '^fragment offset=[0-9]+' "$tmp/out" | tr -dc '0-9\n' | xargs)" = "2400 1200 0" ] ||
		fail "$last: not in reversed order: $(cat "$tmp/out")"

	echo "# connections and errors, $server"
	asks "$server" kind=connect port=4900 listen=4900 flags=any,ip time=200
	says '^accepted id' '^accepted (91.80.1.2|\[2a01:db8::2\]):' '^connected'
	asks "$server" kind=connect port=4901 time=200
	says '^reset'
	asks "$server" kind=connect port=4902 time=200
	says '^unreachable .*icmp=(3/13|1/1) '
	asks "$server" kind=connect port=4903 wait=250 time=500
	says '^timed-out .*elapsed=2[0-9][0-9] '
	asks "$server" kind=connect port=4904 time=200
	says '^unreachable .*icmp=(3/3|1/4) '
	asks "$server" kind=icmp time=150
	says '^icmp (3/3|1/4)'
	asks "$server" flags=any port=4907 wait=400 time=200
	says '^accepted' '^unreachable .*icmp=(3/3|1/4) '
	asks "$server" flags=any wait=100 time=200
	counts 2 '^[a-z-]+ id='
done
for _ in 1 2; do # of the first nothing is left that were in the way of the second
	asks $A1:3478 kind=connect port=4905 listen=4905 from=$HOME time=200
	says "^accepted $A1:3478" '^connected'
done

echo "# what it does not do"
asks $A1:3478 token=00112233445566778899aabbccddeeff time=150
says '^bad-token .*len=68 '
counts 1 '^[a-z-]+ id='
asks $A1:3478 count=9 time=100
says '^malformed'

echo "# a reload keeps orders, and a stop forgets them"
lab_in home "$ask" $A1:3478 delay=700 time=1200 > "$tmp/kept" &
kept=$!
sleep 0.3
kill -HUP $pid
wait $kept
grep -q '^done' "$tmp/kept" || fail "the order did not outlive a reload: $(cat "$tmp/kept")"
asks $A1:3478 delay=60000 time=50
asks $A1:3478 kind=connect port=4903 wait=20000 time=50
says '^accepted'
metric stund_coop_pending 2
metric 'stund_coop_outcomes_total{outcome="bad-token"}' 1
metric 'stund_coop_outcomes_total{outcome="timed-out"}' "${#servers[@]}"
stop

echo "# without a raw socket it does the rest, and says so"
start setpriv --bounding-set=-net_raw --inh-caps=-net_raw --
grep -q 'warn cooperate: on, but for fragments' "$tmp/log" || fail "no warning: $(cat "$tmp/log")"
asks $A1:3478 flags=fragments size=600 time=150
says '^unable'
asks $A1:3478 kind=icmp time=150
says '^unable'
asks $A1:3478 flags=df size=600 time=150
says '^done'
stop

if id -u nobody > /dev/null 2>&1; then
	echo "# as another user it connects from its own port, too"
	cooperate=(--cooperate --user nobody)
	start
	if grep -q 'runs without privileges' "$tmp/log"; then
		asks $A1:3478 kind=connect port=4906 listen=4906 from=$HOME time=200
		says "^accepted $A1:3478" '^connected'
		asks $A1:3478 flags=fragments size=600 time=150
		says '^done'
	fi
	stop
fi

exit "$failed"
