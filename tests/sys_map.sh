#!/bin/bash
# natprobe map: Debian's miniupnpd opens a port by PCP, NAT-PMP and UPnP; a datagram from outside
# arrives, and after the end it does not.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need miniupnpd socat jq
[ -d /proc/sys/net/ipv6 ] || lab_skip "there is no IPv6 here"

probe=${builddir:-.}/natprobe/natprobe
stund=${builddir:-.}/stund/stund
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export XDG_STATE_HOME=$tmp/state
export NATPROBE_SERVER=91.80.1.11

lab_node home ipv6
lab_node other
lab_node box ipv6
lab_node web ipv6
lab_in box ip link add lan type bridge
lab_link home:eth0 192.168.1.2/24,2a10::22:2/64 box:lan1 -
lab_link other:eth0 192.168.1.3/24 box:lan2 -
lab_in box ip link set lan1 master lan
lab_in box ip link set lan2 master lan
lab_address box lan 192.168.1.1/24,2a10::22:1/64
lab_link box:wan 84.20.3.2/24,2a10:1::2/64 web:eth0 84.20.3.1/24,91.80.1.11/32,2a10:1::1/64
lab_route home default via 192.168.1.1
lab_route other default via 192.168.1.1
lab_route home default via 2a10::22:1
lab_route box default via 84.20.3.1
lab_route box default via 2a10:1::1
lab_in web ip route add 2a10::22:0/112 via 2a10:1::2
lab_router box
lab_nft box << 'END'
table inet filter {
	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		iifname "lan" accept
		jump miniupnpd
	}
	chain prerouting {
		type nat hook prerouting priority -100;
		jump prerouting_miniupnpd
	}
	chain postrouting {
		type nat hook postrouting priority 100;
		jump postrouting_miniupnpd
		oifname "wan" masquerade
	}
	chain miniupnpd { }
	chain prerouting_miniupnpd { }
	chain postrouting_miniupnpd { }
}
END

# start_gateway PROTOCOLS... KEY=VALUE...: of upnp natpmp (which is PCP as well)
start_gateway() {
	local ports=() port

	[[ $* != *upnp* ]] || ports+=(1900)
	[[ $* != *natpmp* ]] || ports+=(5351)
	[ -z "${gateway_pid:-}" ] || {
		kill "$gateway_pid"
		wait "$gateway_pid" 2> /dev/null
	}
	cat > "$tmp/box.conf" << END
ext_ifname=wan
listening_ip=lan
http_port=5000
enable_upnp=$([[ $* == *upnp* ]] && echo yes || echo no)
enable_natpmp=$([[ $* == *natpmp* ]] && echo yes || echo no)
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
secure_mode=yes
min_lifetime=10
max_lifetime=86400
uuid=5bd7bcd2-5af5-4f0f-8a3b-000000000001
allow 1-65535 192.168.1.0/24 1-65535
$(printf '%s\n' "$@" | grep '=')
END
	lab_spawn box "$tmp/box.log" miniupnpd -d -f "$tmp/box.conf" -P "$tmp/box.pid"
	gateway_pid=$!
	for port in "${ports[@]}"; do
		lab_await box 1 "$port" || lab_skip "miniupnpd does not start: $(tail -n 1 "$tmp/box.log")"
	done
}

# arrives PORT: whether a datagram from outside to the box arrives on port 4900 at home
arrives() {
	local i

	: > "$tmp/heard"
	lab_spawn home "$tmp/heard" socat -u UDP4-RECV:4900 STDOUT
	local listener=$!

	lab_await home 1 4900
	for ((i = 0; i < ${2:-100}; i++)); do
		lab_in web bash -c "echo ping > /dev/udp/84.20.3.2/$1"
		sleep 0.05
		[ ! -s "$tmp/heard" ] || break
	done
	kill "$listener"
	wait "$listener" 2> /dev/null
	[ -s "$tmp/heard" ]
}

# keep OPTION...: natprobe map --keep in the background, once it has said that it is open
keep() {
	lab_spawn home "$tmp/keep" "$probe" map 4900/udp --keep --json -4 "$@"
	keep_pid=$!
	for ((i = 0; i < 600; i++)); do
		[ ! -s "$tmp/keep" ] || return 0
		sleep 0.05
	done
	fail "map $*: says nothing"
}

# arrives6 PORT: whether a datagram from outside to that port at home arrives, over IPv6
arrives6() {
	local i

	: > "$tmp/heard"
	lab_spawn home "$tmp/heard" socat -u "UDP6-RECV:$1" STDOUT
	local listener=$!

	lab_await home 1 "$1"
	for ((i = 0; i < ${2:-100}; i++)); do
		lab_in web bash -c "echo ping > /dev/udp/2a10::22:2/$1"
		sleep 0.05
		[ ! -s "$tmp/heard" ] || break
	done
	kill "$listener"
	wait "$listener" 2> /dev/null
	[ -s "$tmp/heard" ]
}

# told FILTER WANT: of its first document
told() {
	local got

	got=$(head -n 1 "$tmp/keep" | jq -r "$1" 2>&1)
	[ "$got" = "$2" ] || fail "map: $1 is $got, not $2: $(cat "$tmp/keep")"
}

end_keep() {
	kill "-$1" "$keep_pid"
	wait "$keep_pid"
	local status=$?
	[ "$status" = 0 ] || fail "map ends with $status: $(tail -n 1 "$tmp/keep")"
	[ "$(tail -n 1 "$tmp/keep" | jq -r '.ports[0].state')" = closed ] ||
		fail "map does not say that it closed the port: $(tail -n 1 "$tmp/keep")"
}

lab_spawn web "$tmp/stund.log" "$stund" --listen 91.80.1.11 --cooperate
lab_await web 1 3478 || fail "stund does not start"

echo "# nobody there"
lab_in home "$probe" map 4900/udp --json -4 > "$tmp/nobody"
[ $? = 3 ] || fail "without a gateway that opens ports: $(cat "$tmp/nobody")"
arrives 4900 4 && fail "a datagram arrives that nobody let in"

for by in pcp nat-pmp upnp; do
	echo "# $by, and a signal"
	if [ $by = upnp ]; then start_gateway upnp; else start_gateway natpmp; fi
	keep --by $by
	told '.ports[0].state' open
	told '.ports[0].granted_by' $by
	told '.ports[0].external' 84.20.3.2:4900
	told '.ports[0].address' public
	arrives 4900 || fail "$by: a datagram from outside does not arrive"
	if [ $by = pcp ]; then end_keep INT; else end_keep TERM; fi
	arrives 4900 4 && fail "$by: a datagram still arrives after the end"
done

echo "# all of them, in order; both transports; renewed"
start_gateway upnp natpmp
keep --lifetime 10s
told '.ports[0].granted_by' pcp
told '.ports[0].lifetime_s' 10
lab_in home "$probe" reach 4900/udp --listen --json > "$tmp/reach" || fail "reach: $(cat "$tmp/reach")"
[ "$(jq -r '.verdict, .opened_by_map' "$tmp/reach" | tr '\n' ' ')" = 'open true ' ] ||
	fail "reach: $(cat "$tmp/reach")"

echo "# pinholes of IPv6"
for by in pcp upnp; do
	lab_in home "$probe" map 4907/udp -6 --by $by --no-compare > "$tmp/six" ||
		fail "$by over IPv6: $(cat "$tmp/six")"
	grep -q 'open as \[2a10::22:2\]:4907' "$tmp/six" || fail "$by over IPv6: $(cat "$tmp/six")"
	arrives6 4907 || fail "$by over IPv6: a datagram from outside does not arrive"
	lab_in home "$probe" map --delete 4907/udp -6 > "$tmp/six" || fail "$(cat "$tmp/six")"
	arrives6 4907 4 && fail "$by over IPv6: a datagram still arrives"
done

echo "# of another run: listed, found, and closed by its record"
lab_in home "$probe" map 5000 -4 > "$tmp/both" || fail "map 5000: $(cat "$tmp/both")"
[ "$(grep -c 'open as 84.20.3.2:5000' "$tmp/both")" = 2 ] || fail "both: $(cat "$tmp/both")"
lab_in home "$probe" map --list --json > "$tmp/list" || fail "list: $(cat "$tmp/list")"
[ "$(jq '.opened | length' "$tmp/list")" = 3 ] || fail "list: $(cat "$tmp/list")"
lab_in home "$probe" map --delete 5000 -4 > "$tmp/delete" || fail "delete: $(cat "$tmp/delete")"
[ "$(lab_in home "$probe" map --list --json | jq '.opened | length')" = 1 ] ||
	fail "a record is left"

echo "# of somebody else: not closed, and told"
lab_in other env XDG_STATE_HOME="$tmp/other" "$probe" map 6000/tcp -4 --by upnp --no-compare \
	> "$tmp/other.out" || fail "another host: $(cat "$tmp/other.out")"
lab_in home "$probe" map --delete 6000/tcp -4 > "$tmp/theirs" && fail "theirs: $(cat "$tmp/theirs")"
grep -q 'leads to 192.168.1.3:6000' "$tmp/theirs" || fail "theirs: $(cat "$tmp/theirs")"
lab_in home "$probe" map 6000/tcp -4 --by upnp --external 6000 --no-compare > "$tmp/taken" &&
	fail "a taken port: $(cat "$tmp/taken")"
grep -q 'the external port is taken' "$tmp/taken" || fail "taken: $(cat "$tmp/taken")"

echo "# after more than its life of 10 s it is still open; the gateway restarts, and it is again"
for ((i = 0; i < 240 && SECONDS < ${kept_until:=$((SECONDS + 8))}; i++)); do sleep 0.1; done
arrives 4900 || fail "it was not renewed"
start_gateway upnp natpmp
lab_in box nft flush chain inet filter prerouting_miniupnpd
lab_in box nft flush chain inet filter miniupnpd
arrives 4900 || fail "not opened again after a restart: $(cat "$tmp/keep")"
end_keep INT
arrives 4900 4 && fail "open after the end"

echo "# a gateway without an address outside, since that one is private"
lab_in box ip address add 10.9.9.2/24 dev wan
lab_in box ip address del 84.20.3.2/24 dev wan
lab_in web ip address add 10.9.9.1/24 dev eth0
lab_in box ip route replace default via 10.9.9.1
start_gateway upnp natpmp
lab_in home "$probe" map 4900/udp -4 > "$tmp/double" && fail "no address: $(cat "$tmp/double")"
grep -q 'the gateway has no address outside' "$tmp/double" || fail "$(cat "$tmp/double")"

echo "# a gateway that names an address which is not what others see"
start_gateway upnp natpmp ext_ip=84.20.3.9
lab_in home "$probe" map 4900/udp -4 --json > "$tmp/double" || fail "$(cat "$tmp/double")"
[ "$(jq -r '.ports[0] | .external, .address, .seen' "$tmp/double" | tr '\n' ' ')" = \
	'84.20.3.9:4900 other 10.9.9.2 ' ] || fail "$(cat "$tmp/double")"

echo "# the model's own PCP and NAT-PMP, and NATs behind NATs"
natlab=${builddir:-.}/tests/natlab/natlab
# behind PROFILE PROTOCOL WANT: protocol, external address, what it is worth
behind() {
	"$natlab" run "$1" -- "$probe" map 4900/udp -4 --json --by "$2" > "$tmp/lab" 2> "$tmp/lab.err" ||
		fail "$1: $(cat "$tmp/lab" "$tmp/lab.err")"
	[ "$(jq -r '.ports[0] | .granted_by, .external, .address' "$tmp/lab" | tr '\n' ' ')" = "$3 " ] ||
		fail "$1: $(cat "$tmp/lab")"
}
unset NATPROBE_SERVER
behind home-router pcp 'pcp 21.0.0.2:4900 public'
behind restricted-cone any 'nat-pmp 21.0.0.2:4900 public'
behind home-behind-cgn any 'pcp 100.64.0.2:4900 shared'
behind double-nat-home nat-pmp 'nat-pmp 10.0.0.2:4900 private'

for document in double list lab nobody; do
	python3 -c 'import jsonschema' 2> /dev/null || break
	python3 - "${srcdir:-.}/doc/natprobe-map.schema.json" "$tmp/$document" << 'END' || fail "$document: not as the schema says"
import json, jsonschema, sys
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))
END
done

[ "$failed" = 0 ] && echo "ok"
exit "$failed"
