#!/bin/bash
# stund, as its users and foreign clients meet it: two addresses of loopback, every transport,
# configuration, signals, and what strangers may do to it.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/server.sh"
lab_enter "$@"
lab_need openssl xxd ss

stund=${builddir:-.}/stund/stund
ask=${builddir:-.}/tests/stun_ask
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
daemon=("$stund")

# without REASON: a part that cannot run here.
without() {
	echo "not checked: $*"
}

has() {
	command -v "$1" > /dev/null
}

# cert NAME: a certificate and its key, in $tmp/cert.pem and $tmp/key.pem.
cert() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$1" -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2> "$tmp/err" ||
		fail "openssl makes no certificate: $(cat "$tmp/err")"
}

tid=6162636465666768696a6b6c
request=000100002112a442$tid

# change FLAGS: a request with CHANGE-REQUEST
change() {
	printf '000100082112a442%s00030004%08x' "$tid" "$1"
}

# bytes HEX: what the digits mean, written at once: s_client takes a k, Q or R that it reads first
# for a command.
bytes() {
	local hex=$1 escaped=

	while [ -n "$hex" ]; do
		escaped+="\\x${hex:0:2}"
		hex=${hex:2}
	done
	printf '%b' "$escaped"
}

for tool in "$stund" "$ask"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done

echo "# the command line, and files that are wrong"
ends 0 '' --help
grep -q -- --alternate "$tmp/out" || fail "--help has no --alternate"
ends 0 '' --version
grep -q '^stund .*[0-9]' "$tmp/out" || fail "--version says $(cat "$tmp/out")"
ends 2 'unknown option --listn' --listn=127.0.0.1
ends 2 'alternate: 127.0.0.2.*set listen' --alternate 127.0.0.2
ends 2 'no/such/file' --config no/such/file
# A line that is wrong, and what has to stand in the message beside the file and the line.
while IFS='|' read -r line what; do
	printf '# a comment\n\n%s\n' "$line" > "$tmp/bad.conf"
	ends 2 "bad.conf:3: .*$what" --check-config --config "$tmp/bad.conf"
done << 'END'
lisen = 127.0.0.1|listen
listen = 127.0.0.256|127.0.0.256
listen = 127.0.0.1/8|listen
port = 70000|65535
rate-limit = many|rate-limit
idle-timeout = 10 parsecs|idle-timeout
tcp = perhaps|tcp
log-level = loud|debug
[section one]|section
port 3478|=
config = other.conf|config
END
printf 'listen = 127.0.0.1\nalternate = 127.0.0.1\n' > "$tmp/bad.conf"
ends 2 'bad.conf:2: alternate: 127.0.0.1.*two' --check-config --config "$tmp/bad.conf"
printf 'listen = 127.0.0.1 # why not\nalternate = 127.0.0.2\nsoftware = "a # b"\n' > "$tmp/good.conf"
ends 0 '' --check-config --config "$tmp/good.conf"
[ ! -s "$tmp/err" ] || fail "--check-config talks about a good file"
ends 0 '' --print-config --config "$tmp/good.conf" --port 1000
cp "$tmp/out" "$tmp/printed.conf"
ends 0 '' --print-config --config "$tmp/printed.conf"
cmp -s "$tmp/out" "$tmp/printed.conf" || fail "--print-config does not read back to the same"
grep -q '^port = 1000$' "$tmp/out" || fail "--print-config does not know the command line"
grep -q '^software = "a # b"$' "$tmp/out" || fail "--print-config does not quote"

echo "# without options: all addresses, and answers from the one that was asked"
start --rate-limit 0
logs 'nat-discovery: IPv4: off, since it takes two addresses'
for at in 127.0.0.1:3478 127.0.0.5:3478 '[::1]:3478'; do
	answer=$("$ask" "$at" "$request") || fail "$at does not answer"
	case $answer in
	"$at 64 0101"*"2112a442$tid"*) ;;
	*) fail "$at answers $answer" ;;
	esac
	case $at:${#answer} in
	127*) [ "${#answer}" = $((${#at} + 4 + 64)) ] || fail "$at: more than 32 bytes: $answer" ;;
	esac
done
"$ask" 127.0.0.1 "$(change 6)" | grep -q ' 0111.*0009000400000414000a000200030000$' ||
	fail "CHANGE-REQUEST is not refused with one address"
"$ask" 127.0.0.1 "00010000${tid:0:8}$tid" > "$tmp/out" && fail "RFC 3489 is answered unasked"
ends 1 'in use' --rate-limit 0
stop INT 0

echo "# two addresses: every CHANGE-REQUEST from every socket, in both families"
lab_loopback 2a06:1300:1::10 2a06:1300:1::11
start --listen 127.0.0.1,2a06:1300:1::10 --alternate 127.0.0.2,2a06:1300:1::11 --rate-limit 0
logs 'nat-discovery: IPv4: on'
logs 'nat-discovery: IPv6: on'
logs 'selfcheck: 64 of 64'
for socket in 0 1 2 3; do
	for flags in 0 1 2 3; do # 1: port, 2: address
		to=$((socket ^ flags))
		for ips in '127.0.0.1 127.0.0.2' '[2a06:1300:1::10] [2a06:1300:1::11]'; do
			read -r -a ip <<< "$ips"
			at=${ip[socket / 2]}:$((3478 + socket % 2))
			want=${ip[to / 2]}:$((3478 + to % 2))
			answer=$("$ask" "$at" "$(change $((flags * 2)))") || answer=nothing
			[ "${answer%% *}" = "$want" ] || fail "$at, change $flags: $answer, not $want"
		done
	done
done
if has turnutils_natdiscovery; then
	turnutils_natdiscovery -m -f 127.0.0.1 > "$tmp/out" 2>&1
	grep -q 'NAT with Endpoint Independent Mapping' "$tmp/out" ||
		fail "turnutils_natdiscovery, mapping: $(cat "$tmp/out")"
	grep -q 'NAT with Endpoint Independent Filtering' "$tmp/out" ||
		fail "turnutils_natdiscovery, filtering: $(cat "$tmp/out")"
	turnutils_natdiscovery -m -P 127.0.0.1 > "$tmp/out" 2>&1
	grep -q 'Independent Mapping' "$tmp/out" ||
		fail "turnutils_natdiscovery with padding: $(cat "$tmp/out")"
else
	without "turnutils_natdiscovery (coturn is not installed)"
fi
if has turnutils_stunclient; then
	turnutils_stunclient 127.0.0.1 > "$tmp/out" 2>&1
	grep -q 'reflexive addr: 127.0.0.1:' "$tmp/out" ||
		fail "turnutils_stunclient: $(cat "$tmp/out")"
else
	without "turnutils_stunclient (coturn is not installed)"
fi
stop TERM 0

echo "# the old dialect"
start --listen 127.0.0.1 --alternate 127.0.0.2 --rfc3489
if has stun; then
	# With a firewall it tells the types apart by who may answer.
	stun 127.0.0.1 > "$tmp/out" 2>&1
	grep -q '^Primary: Open' "$tmp/out" || fail "stun: $(cat "$tmp/out")"
else
	without "the stun client (stun-client is not installed)"
fi
stop TERM 0

echo "# TCP, TLS, DTLS, told apart on one port"
cert first.example
start --listen 127.0.0.1 --alternate 127.0.0.2 --cert-file "$tmp/cert.pem" --key-file "$tmp/key.pem"
# await_some FILE: until there is something in it, or for 4 seconds
await_some() {
	for _ in {1..80}; do
		[ -s "$1" ] && return
		sleep 0.05
	done
}
# tls OPTION...: what s_client prints while it sends a request
tls() {
	{ bytes "$request"; await_some "$tmp/out"; } | timeout 5 openssl s_client "$@" 2> "$tmp/err"
}
# answers WHAT: the answer to the request stands in $tmp/out
answers() {
	xxd -p "$tmp/out" | tr -d '\n' | grep -q "0101....2112a442$tid" || fail "$1 is not answered"
}
for port in 3478 3479 5349 5350; do
	exec 3<> "/dev/tcp/127.0.0.2/$port"
	bytes "$request$request" >&3
	timeout 5 head -c 136 <&3 > "$tmp/out"
	exec 3>&-
	answers "TCP on port $port"
	[ "$(stat -c %s "$tmp/out")" = 136 ] || fail "TCP on port $port: not two answers"
	tls -connect "127.0.0.1:$port" -quiet -no_ign_eof > "$tmp/out"
	answers "TLS on port $port"
	tls -connect "127.0.0.1:$port" -quiet -no_ign_eof -dtls > "$tmp/out"
	answers "DTLS on port $port"
done
tls -connect 127.0.0.1:5349 -alpn stun.turn,stun.nat-discovery > "$tmp/out"
grep -aq 'ALPN protocol: stun.nat-discovery' "$tmp/out" || fail "ALPN is not taken"
tls -connect 127.0.0.1:5349 -alpn h2 > "$tmp/out" && fail "TLS for another protocol is taken"
tls -connect 127.0.0.1:5349 -dtls -alpn stun.nat-discovery > "$tmp/out"
grep -aq 'ALPN protocol: stun.nat-discovery' "$tmp/out" || fail "ALPN is not taken over DTLS"

echo "# reload: a new certificate for new clients, the old one for those that are there"
subject() {
	tls -connect 127.0.0.1:5349 "$@" | sed -n 's/^subject=.*CN *= *//p'
}
[ "$(subject)" = first.example ] || fail "not the first certificate"
mkfifo "$tmp/fifo"
timeout 30 openssl s_client -connect 127.0.0.1:3478 -quiet -no_ign_eof \
	< "$tmp/fifo" > "$tmp/held" 2> "$tmp/err" &
held=$!
exec 4> "$tmp/fifo"
cert second.example
sleep 0.3
kill -HUP "$pid"
logs 'reload: the new configuration is in effect'
[ "$(subject)" = second.example ] || fail "not the second certificate"
[ "$(subject -dtls)" = second.example ] || fail "not the second certificate over DTLS"
bytes "$request" >&4
await_some "$tmp/held"
exec 4>&-
wait "$held"
cp "$tmp/held" "$tmp/out"
answers "the connection from before the reload"
echo nonsense > "$tmp/cert.pem"
kill -HUP "$pid"
logs "reload: all stays as it was: .*cert.pem"
[ "$(subject)" = second.example ] || fail "a broken certificate was taken"
stop TERM 0

echo "# reload: what can change does, what cannot is named, what is wrong changes nothing"
printf 'listen = 127.0.0.1\nworkers = 2\nrate-limit = 1\nrate-burst = 3\n' > "$tmp/stund.conf"
start --config "$tmp/stund.conf" --no-self-check
# budget: how many of ten requests are answered
budget() {
	local n=0

	for _ in {1..10}; do
		"$ask" --from "$1" 127.0.0.1 "$request" > "$tmp/out" && n=$((n + 1))
	done
	echo "$n"
}
n=$(budget 127.0.0.1)
case $n in
[3-9]) ;;
*) fail "$n of 10 within a budget of 3" ;;
esac
"$ask" --from 127.0.0.9 127.0.0.1 "$request" > "$tmp/out" || fail "another source pays for it"
printf 'listen = 127.0.0.1\nworkers = 1\nrate-limit = 0\nlog-format = json\n' > "$tmp/stund.conf"
kill -HUP "$pid"
logs '"event":"reload".*takes a restart.*workers'
n=$(budget 127.0.0.1)
[ "$n" = 10 ] || fail "$n of 10 without a limit"
printf 'listen = 127.0.0.1\nrate-limit = 1\nrate-burts = 1\n' > "$tmp/stund.conf"
kill -HUP "$pid"
logs 'all stays as it was: .*stund.conf:3: .*rate-burst'
n=$(budget 127.0.0.1)
[ "$n" = 10 ] || fail "$n of 10 after a reload that failed"
stop INT 0

echo "# what it counts, and whom it lets see that"
start --listen 127.0.0.1 --admin 9641 --rate-limit 0 --workers 2
"$ask" 127.0.0.1 "$request" > "$tmp/out"
"$ask" 127.0.0.1 "00010004${request:8}7000" > "$tmp/out"
# get PATH: by HTTP, without a client that may not be there
get() {
	exec 3<> /dev/tcp/127.0.0.1/9641
	printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&3
	timeout 5 cat <&3
	exec 3>&-
}
get /healthz | grep -q '^HTTP/1.1 200' || fail "/healthz is not 200"
get /metrics > "$tmp/out"
# One request is mine, one the self check's.
grep -q '^stund_messages_total{transport="udp",outcome="reply"} 2' "$tmp/out" ||
	fail "/metrics: $(cat "$tmp/out")"
grep -q '^stund_messages_total{transport="udp",outcome="foreign"} 1' "$tmp/out" ||
	fail "/metrics: $(cat "$tmp/out")"
if has promtool; then
	sed '1,/^\r$/d' "$tmp/out" | promtool check metrics || fail "promtool finds fault"
else
	without "the form of /metrics by promtool (prometheus is not installed)"
fi
ss -Hltn 'sport = :9641' | grep -q '127.0.0.1:9641' || fail "the admin listener is not on loopback"

echo "# strangers: 100,000 random datagrams leave nothing behind"
rss() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"
}
before=$(rss) # all that it will need it has by now
"$ask" --flood 100000 127.0.0.1:3478
after=$(rss)
[ "$after" -le $((before + 128)) ] || fail "memory grew from $before to $after kB"
"$ask" 127.0.0.1 "$request" > "$tmp/out" || fail "no answer behind the flood"
[ "$(wc -l < "$tmp/log")" -lt 20 ] || fail "strangers write into the log: $(tail -n 3 "$tmp/log")"
get /metrics > "$tmp/out"
foreign=$(sed -n 's/^stund_messages_total{transport="udp",outcome="foreign"} //p' "$tmp/out")
[ "$foreign" -gt 1000 ] || fail "$foreign datagrams were foreign"
stop TERM 0

echo "# whom it becomes"
if [ "$(id -u)" = 0 ] && has setpriv && setpriv --reuid nobody --clear-groups true 2> "$tmp/err"; then
	start --listen 127.0.0.1 --port 53 --user nobody
	logs 'user: runs without privileges now'
	for task in "/proc/$pid/task"/*/status; do
		grep -q "^Uid:	$(id -u nobody)	$(id -u nobody)	$(id -u nobody)" "$task" ||
			fail "a thread is still root"
		grep -q '^CapEff:	0*$' "$task" || fail "a thread has capabilities"
		grep -q '^NoNewPrivs:	1$' "$task" || fail "a thread may gain privileges"
	done
	"$ask" 127.0.0.1:53 "$request" > "$tmp/out" || fail "no answer as nobody"
	stop TERM 0
	cert kept.example
	start --listen 127.0.0.1 --user nobody --cert-file "$tmp/cert.pem" --key-file "$tmp/key.pem"
	kill -HUP "$pid" # which is not allowed to read either of them
	logs 'reload: all stays as it was: .*Permission denied'
	[ "$(subject)" = kept.example ] || fail "a key that it may not read any more ended TLS"
	stop TERM 0
	setpriv --reuid nobody --clear-groups --inh-caps -all "$stund" --listen 127.0.0.1:53 2> "$tmp/log"
	grep -q 'Permission denied; .*CAP_NET_BIND_SERVICE' "$tmp/log" ||
		fail "a low port without the right to it: $(cat "$tmp/log")"
else
	without "a drop of privileges that works (not root, or one in its own user namespace)"
	ends 1 'user: nobody: ' --listen 127.0.0.1 --user nobody
fi
ends 1 'user: no-such-user: .*no such user' --listen 127.0.0.1 --user no-such-user

echo "# connections: as many descriptors as they take"
allowed=$(ulimit -Sn)
if [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 3200 ]; then
	ulimit -Sn 256
	start --listen 127.0.0.1 --max-connections 3000
	ulimit -Sn "$allowed"
	soft=$(awk '/^Max open files/ { print $4 }' "/proc/$pid/limits")
	[ "$soft" -gt 3000 ] || fail "$soft descriptors for 3000 connections"
	stop TERM 0
else
	without "more descriptors than at first (the hard limit is $(ulimit -Hn))"
fi
( ulimit -n 200; ends 1 'raise the limit' --listen 203.0.113.9; exit "$failed" ) || failed=1
grep -q 'is it an address of this host' "$tmp/err" || fail "no remedy: $(cat "$tmp/err")"

echo "# the self check sees what is wrong"
nft -f - << 'END'
table inet test {
	chain input {
		type filter hook input priority filter
		ip daddr 127.0.0.2 udp dport 3479 drop
	}
}
END
start --listen 127.0.0.1 --alternate 127.0.0.2
logs 'selfcheck: 127.0.0.2:3479 did not answer'
logs 'selfcheck: 24 of 32'
stop TERM 0
nft delete table inet test
start --listen 127.0.0.1 --alternate 127.0.0.2 --rate-burst 15
logs 'selfcheck: left out: .*rate-burst'
stop TERM 0
start --listen 127.0.0.1 --alternate 127.0.0.2 --public 127.0.0.2=91.80.1.11
logs 'listen: .*127.0.0.2:3479, seen as 91.80.1.11:3479'
logs 'selfcheck: 91.80.1.11:3478: not provable from here'
"$ask" 127.0.0.1 "$request" | grep -q '802c000800010d975b50010b' || fail "OTHER-ADDRESS is not the public one"
stop TERM 0

[ "$failed" = 0 ] && echo "stund does what it says"
exit "$failed"
