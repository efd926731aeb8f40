#!/bin/bash
# Two stunds with one address each, on two hosts, as one RFC 5780 server: natprobe says of the NATs of
# tests/lab/profiles.sh what it says with a server that has two addresses (sys_nat.sh). When one of
# them dies, natprobe is told that there is one address; when it returns, there are two again.
#
#	sys_partner.sh              all of it
#	sys_partner.sh run PROFILE  one network; cloud-PROFILE: one of the servers is behind 1:1 NAT;
#	                            all-faces: no NAT in between, and every socket of both
set -u
: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/tests/lab/lab.sh"

stund=$builddir/stund/stund
ask=$builddir/tests/stun_ask
natprobe=$builddir/natprobe/natprobe
tid=6162636465666768696a6b6c
request=000100002112a442$tid
old_key='the line that both of them have'
new_key='the line that comes after that one'

# host NAME NUMBER: one of the addresses that profiles.sh gave to web gets a host of its own.
host() {
	local address=${LAB_SERVERS[$2]} net=90.0.$2 one=1 two=2 bits=24 whole=32

	case $address in
	*:*)
		net=2a06:1300:e$2: one=:1 two=:2 bits=64 whole=128
		lab_node "$1" ipv6
		;;
	*) lab_node "$1" && net+=. ;;
	esac
	lab_in web ip address del "$address/$whole" dev eth0
	lab_link "web:$1" "$net$one/$bits" "$1:eth0" "$net$two/$bits,$address/$whole"
	lab_route web "$address/$whole" via "$net$two"
	lab_route "$1" default via "$net$one"
}

# cloud_host NAME NUMBER: the same behind 1:1 NAT, as clouds have it; its own address is private.
cloud_host() {
	local address=${LAB_SERVERS[$2]}

	lab_node "$1"
	lab_in web ip address del "$address/32" dev eth0
	lab_link "web:$1" 10.9.1.1/24 "$1:eth0" 10.9.1.2/24
	lab_route "$1" default via 10.9.1.1
	lab_nft web << END
table ip cloud {
	chain pre {
		type nat hook prerouting priority dstnat
		ip daddr $address dnat to 10.9.1.2
	}
	chain post {
		type nat hook postrouting priority srcnat
		ip saddr 10.9.1.2 snat to $address
	}
}
END
	west_is=(--listen 10.9.1.2 --public "10.9.1.2=$address")
}

# serve NAME NUMBER OPTION...: a stund there, whose partner is the other one; its pid is in $pid.
serve() {
	local name=$1 other=${LAB_SERVERS[1 - $2]} own=(--listen "${LAB_SERVERS[$2]}")

	shift 2
	[ "$name" = east ] || [ -z "${west_is:-}" ] || own=("${west_is[@]}")
	lab_spawn "$name" "$tmp/$name" "$stund" "${own[@]}" --partner "$other" \
		--partner-key-file "$tmp/key-$name" --workers 3 --rfc3489 "$@"
	pid=$!
}

# logs NAME PATTERN: within 8 seconds.
logs() {
	for _ in $(seq 600); do
		! grep -qE -- "$2" "$tmp/$1" || return 0
		sleep 0.05
	done
	fail "$profile: $1 does not log \"$2\": $(cat "$tmp/$1")"
}

# In the words of LAB_TRUTH.
said() {
	jq -r 'def ip: sub(":[0-9]+$"; "") | ltrimstr("[") | rtrimstr("]");
		.interfaces[] | select(.probed) | [.interface, .family, .nat.value, .firewall.value,
		.udp_blocked.value, .mapping.value, .filtering.value,
		if .mapped then .mapped | ip else "none" end] | join(" ")' "$tmp/json"
}

probe() {
	lab_in home timeout 90 "$natprobe" --server "${LAB_SERVERS[0]}" --no-upnp --json \
		> "$tmp/json" 2> "$tmp/err"
}

start_both() {
	. "$srcdir/tests/lab/profiles.sh"
	lab_profile "${profile#cloud-}" || exit 1
	host east 0
	if [ "$profile" = "${profile#cloud-}" ]; then
		host west 1
	else
		cloud_host west 1
	fi
	lab_router web
	echo "$old_key" | tee "$tmp/key-east" > "$tmp/key-west"
	serve east 0
	east=$pid
	serve west 1
	west=$pid
	logs east 'partner: .* is there'
	logs west 'partner: .* is there'
}

# asks SERVER HEX...: where it was answered from, and what; stun_ask takes it from anywhere.
asks() {
	answer=$(lab_in home "$ask" "$1" "$2" 2>&1) || answer=nothing
}

# A client of 2003, with CHANGE-REQUEST: both, behind a NAT that lets all in.
check_classic() {
	asks "${LAB_SERVERS[0]}" "000100080102030405060708090a0b0c0d0e0f100003000400000006"
	case $answer in
	"${LAB_SERVERS[1]}:3479 "*" 0101"*) ;;
	*) fail "$profile: RFC 3489 is answered with $answer" ;;
	esac
}

check_strangers() {
	asks "${LAB_SERVERS[0]}:3480" "4e010100$(printf '%096d' 0)"
	[ "$answer" = nothing ] || fail "a stranger is answered by the partner's port: $answer"
}

check_metrics() {
	local sent

	lab_in west curl -s http://127.0.0.1:9641/metrics > "$tmp/metrics"
	sent=$(sed -n 's/^stund_partner_messages_total{outcome="sent"} //p' "$tmp/metrics")
	[ "${sent:-0}" -gt 2 ] || fail "west says it has sent ${sent:-nothing} for east"
	grep -qx 'stund_partner_live 1' "$tmp/metrics" || fail "west says it has no partner"
}

# Killed, and so without goodbye; then started again.
check_death() {
	asks "${LAB_SERVERS[0]}" "$request"
	[[ $answer == *802c0008* ]] || fail "east has no OTHER-ADDRESS: $answer"
	kill -KILL "$west"
	wait "$west" 2> /dev/null
	logs east 'is gone: nothing is heard of it'
	asks "${LAB_SERVERS[0]}" "$request"
	[[ $answer == *" 0101"* && $answer != *802c0008* ]] ||
		fail "east tells of a partner that is dead: $answer"
	asks "${LAB_SERVERS[0]}" "000100082112a442${tid}0003000400000004"
	[[ $answer == *" 0111"* ]] || fail "east does not refuse to change its address: $answer"
	probe
	[ "$(jq -r '.interfaces[0].filtering | .value + " " + .reason' "$tmp/json")" = \
		"unknown no-other-address" ] || fail "natprobe says $(jq -c '.interfaces[0].filtering' "$tmp/json")"
	: > "$tmp/east"
	lab_nft west <<< 'table inet broken {
		chain output { type filter hook output priority filter; udp sport 3479 drop; }
	}'
	serve west 1 --admin 9641
	west=$pid
	logs east 'nat-discovery: .* on, with the partner'
	logs east "selfcheck: the partner's ${LAB_SERVERS[1]}:3479: no answer came"
	logs east 'selfcheck: 1 of 2 answers that the partner'
	lab_in west nft delete table inet broken
	logs west 'selfcheck: 2 of 2 answers that the partner'
}

# A new key on both in turn, and nothing is lost; then one that only one of them has.
check_keys() {
	: > "$tmp/east"
	echo "$new_key" | tee "$tmp/key-east" > "$tmp/key-west"
	kill -HUP "$east"
	logs east 'reload: the new configuration'
	kill -HUP "$west"
	logs west 'reload: the new configuration'
	sleep 1
	asks "${LAB_SERVERS[0]}" "$request"
	[[ $answer == *802c0008* ]] || fail "a new key ends the partnership: $answer"
	! grep -q 'is gone' "$tmp/east" || fail "a new key ends the session: $(cat "$tmp/east")"
	kill -TERM "$west"
	wait "$west" || fail "west ends with $?: $(cat "$tmp/west")"
	logs east 'is gone: it has been stopped'
	echo "$old_key" > "$tmp/key-west"
	serve west 1
	west=$pid
	logs west 'not signed with our key'
	logs east 'not signed with our key'
	asks "${LAB_SERVERS[0]}" "$request"
	[[ $answer != *802c0008* ]] || fail "another key makes a partner: $answer"
}

run() {
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	profile=$1
	start_both
	probe
	[ "$(said)" = "$LAB_TRUTH" ] || fail "$profile: natprobe says
$(said)
but the truth is
$LAB_TRUTH
$(cat "$tmp/err" "$tmp/east" "$tmp/west")"
	logs east 'selfcheck: 2 of 2 answers that the partner'
	logs west 'selfcheck: 2 of 2 answers that the partner'
	if [ "$profile" = full-cone ]; then
		check_classic
		check_strangers
		check_death
		probe
		[ "$(said)" = "$LAB_TRUTH" ] || fail "$profile: after all natprobe says $(said)"
		check_metrics
		check_keys
	fi
	kill -TERM "$east" "$west"
	for server in "$east" "$west"; do
		wait "$server" || fail "$profile: a server ends badly: $(cat "$tmp/east" "$tmp/west")"
	done
	[ "$failed" != 0 ] || echo "ok $profile"
	exit "$failed"
}

# check_changes IPS PORTS: each CHANGE-REQUEST to each socket of the first of these addresses.
check_changes() {
	local ip port at flags want

	read -r -a ip <<< "$1"
	read -r -a port <<< "$2"
	for at in 0 1; do
		for flags in 0 1 2 3; do # 1: port, 2: address
			want=${ip[flags / 2]}:${port[at ^ (flags & 1)]}
			answer=$("$ask" "${ip[0]}:${port[at]}" \
				"000100082112a442${tid}000300040000000$((flags * 2))") || answer=nothing
			[ "${answer%% *}" = "$want" ] ||
				fail "${ip[0]}:${port[at]}, change $flags: $answer, not $want"
		done
	done
}

# On loopback: both families over one link, plain and TLS ports, each from each, and ports of the
# operator's choice.
run_all_faces() {
	local own other port others_port ports ips

	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	profile=all-faces
	lab_loopback 84.20.3.1 84.20.3.2 2a06:1300:1::10 2a06:1300:1::11
	head -c 32 /dev/urandom > "$tmp/key"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=stun.example.org -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2> "$tmp/err" ||
		fail "openssl makes no certificate: $(cat "$tmp/err")"
	for own in 1 2; do
		other=$((3 - own)) port=333$own others_port=333$other
		"$stund" -l 84.20.3.$own -l 2a06:1300:1::1$((own - 1)) --workers 2 \
			--partner "84.20.3.$other:$others_port" --partner-port $port \
			--partner-key-file "$tmp/key" --cert-file "$tmp/cert.pem" \
			--key-file "$tmp/key.pem" > "$tmp/$own" 2>&1 &
	done
	for own in 1 2; do
		logs $own 'selfcheck: 8 of 8 answers that the partner'
	done
	for ports in '3478 3479' '5349 5350'; do
		for ips in '84.20.3.1 84.20.3.2' '[2a06:1300:1::10] [2a06:1300:1::11]'; do
			check_changes "$ips" "$ports"
		done
	done
	[ "$failed" != 0 ] || echo "ok $profile"
	exit "$failed"
}

if [ "${1:-}" = run ]; then
	lab_enter "$@"
	[ "$2" != all-faces ] || run_all_faces
	run "$2"
fi
for tool in "$stund" "$ask" "$natprobe" "$builddir/tests/lab/netns"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
lab_need jq curl openssl
"$builddir/tests/lab/netns" true || exit
profiles=(full-cone cloud-address-restricted masquerade masquerade-by-address firewall-by-address)
[ ! -d /proc/sys/net/ipv6 ] || profiles+=(all-faces ipv6-firewall)
said=$(printf '%s\n' "${profiles[@]}" | xargs -P 3 -n 1 bash "$0" run 2>&1)
echo "$said"
[ "$(grep -c '^ok ' <<< "$said")" = "${#profiles[@]}" ]
