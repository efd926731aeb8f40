#!/bin/bash
# turnd offers RFC 5780 where it is told to: natprobe finds all there is to find, answers leave from
# where they were asked to, none is longer than what stund would say, and by default there is none.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need jq

natprobe=${builddir:-.}/natprobe/natprobe
turnd=${builddir:-.}/turnd/turnd
ask=${builddir:-.}/tests/stun_ask
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

first=91.80.1.10
second=91.80.1.11
public=84.20.3.10
public2=84.20.3.11
first6=2a01:4f8::10
second6=2a01:4f8::11

for tool in "$natprobe" "$turnd" "$ask"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
unset NATPROBE_SERVER
lab_loopback $first $second $first6 $second6

await() {
	for _ in $(seq 600); do
		grep -q -- "$1" "$tmp/log" && return
		sleep 0.05
	done
	fail "no \"$1\" in the log: $(cat "$tmp/log")"
}

# start: turnd with what stdin says, two workers; its pid is in $pid.
start() {
	{
		printf 'workers = 2\nlisten = %s, %s\n' $first $first6
		printf 'alternate = %s, %s\nrealm = r\n' $second $second6
		cat
		printf '[user alice]\npassword = secret\n'
	} > "$tmp/turnd.conf"
	"$turnd" --config "$tmp/turnd.conf" 2> "$tmp/log" &
	pid=$!
	await ' ready'
}

stop() {
	kill "$pid"
	wait "$pid" || fail "turnd ended with $?: $(cat "$tmp/log")"
}

# finds FILTER VALUE ARGUMENT...: what natprobe says there.
finds() {
	timeout 90 "$natprobe" check --json "${@:3}" > "$tmp/json" 2> "$tmp/err" ||
		fail "natprobe ${*:3} ended with $?: $(cat "$tmp/err")"
	[ "$(jq -r "$1" "$tmp/json")" = "$2" ] ||
		fail "$1 of natprobe ${*:3} is $(jq -r "$1" "$tmp/json"), not $2"
}

# request ATTRIBUTES: a Binding request with them, all in hex.
request() {
	printf '0001%04x2112a442%s%s' $((${#1} / 2)) 0102030405060708090a0b0c "$1"
}

# gets TO ATTRIBUTES: the answer: where it came from in $from, its bytes in $bytes.
gets() {
	local ttl

	from='' bytes=''
	read -r from ttl bytes < <("$ask" "$1" "$(request "$2")")
	: "$ttl"
}

change_ip=0003000400000004 change_port=0003000400000002 change_both=0003000400000006

echo "# natprobe, both families"
start <<< 'nat-discovery = on'
nat='.interfaces[0] | [.mapping.value, .filtering.value, .firewall.value] | join(" ")'
finds "$nat" 'none endpoint-independent no' -s $first -4 -i lo
finds "$nat" 'none endpoint-independent no' -s $first6 -6 -i lo

echo "# which socket an answer leaves from, and how long it is"
while read -r to attributes want; do
	[ "$attributes" = - ] && attributes=
	gets "$to" "$attributes"
	[ "$from" = "$want" ] || fail "an answer of $to to \"$attributes\" came from $from"
	limit=68
	[[ $to == \[* ]] && limit=116
	((${#bytes} / 2 <= limit)) || fail "an answer of $to has $((${#bytes} / 2)) bytes"
done << END
$first:3478 - $first:3478
$first:3478 $change_port $first:3479
$first:3478 $change_ip $second:3478
$first:3478 $change_both $second:3479
$second:3479 $change_both $first:3478
$second:3478 $change_port $second:3479
[$first6]:3478 $change_port [$first6]:3479
END
padding=$(printf '002604b0%02400d' 0)
gets $first:3478 "$padding"
asked=$(request "$padding")
((${#bytes} > 2000 && ${#bytes} <= ${#asked})) ||
	fail "PADDING of $((${#asked} / 2)) bytes is answered with $((${#bytes} / 2))"

echo "# a second address is no relay address, unless it is told so"
grep -q "from $first\$" "$tmp/log" || fail "does not relay from $first: $(cat "$tmp/log")"
grep -q "from $second\$" "$tmp/log" && fail "relays from $second: $(cat "$tmp/log")"

echo "# a firewall: only what was asked comes in"
nft -f - << 'END'
table inet test {
	chain input {
		type filter hook input priority filter
		udp dport 3478-3479 accept
		meta l4proto udp ct state new drop
	}
}
END
finds "$nat" 'none address-and-port-dependent yes' -s $first -4 -i lo
nft delete table inet test

echo "# a reload switches it off"
sed -i 's/^nat-discovery.*/nat-discovery = off/' "$tmp/turnd.conf"
kill -s HUP "$pid"
await reload
gets $first:3478 $change_both
[[ $from == "$first:3478" && $bytes == 0111* ]] || fail "off, and yet $from answers $bytes"
stop

echo "# behind 1:1 NAT clients hear of public addresses"
start << END
nat-discovery = on
relay-address = $first public $public, $second public $public2
END
gets $first:3478 ''
# OTHER-ADDRESS, port 3479, 84.20.3.11
[[ $bytes == *802c000800010d975414030b* ]] ||
	fail "OTHER-ADDRESS is not $public2: $bytes"
stop

echo "# without being asked for it is off"
start < /dev/null
gets $first:3478 ''
[ ${#bytes} = 64 ] || fail "a plain answer has $((${#bytes} / 2)) bytes: $bytes"
gets $first:3478 $change_both
[[ $from == "$first:3478" && $bytes == 0111* ]] || fail "not asked for, and yet $from answers $bytes"
stop

exit "$failed"
