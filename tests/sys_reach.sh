#!/bin/bash
# natprobe reach: a cooperating stund tries a port behind a NAT; each cause is named that keeps it
# closed, with root and without.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need socat jq setpriv
[ -d /proc/sys/net/ipv6 ] || lab_skip "there is no IPv6 here"

probe=${builddir:-.}/natprobe/natprobe
stund=${builddir:-.}/stund/stund
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export XDG_STATE_HOME=$tmp/state
export NATPROBE_SERVER=91.80.1.11

lab_node home ipv6
lab_node box ipv6
lab_node web ipv6
lab_link home:eth0 192.168.1.2/24,2a10::22:2/64 box:lan 192.168.1.1/24,2a10::22:1/64
lab_link box:wan 84.20.3.2/24,2a10:1::2/64 \
	web:eth0 84.20.3.1/24,91.80.1.11/32,91.80.1.12/32,2a10:1::11/64,2a10:1::12/64
lab_route home default via 192.168.1.1
lab_route home default via 2a10::22:1
lab_route box default via 84.20.3.1
lab_in web ip route add 2a10::22:0/112 via 2a10:1::2
lab_router box
lab_nft box << 'END'
table ip nat {
	chain prerouting { type nat hook prerouting priority -100; }
	chain postrouting { type nat hook postrouting priority 100; oifname "wan" masquerade; }
}
table ip6 filter {
	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		meta l4proto { tcp, udp, icmpv6 } iifname "lan" accept
		meta l4proto { tcp, udp } th dport 4900-4919 accept
	}
}
table ip filter {
	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		ct status dnat accept
		iifname "lan" accept
	}
	chain input {
		type filter hook input priority 0;
		iifname "wan" ct state new drop
	}
}
END
lab_spawn web "$tmp/stund.log" "$stund" --listen 91.80.1.11,2a10:1::11 \
	--alternate 91.80.1.12,2a10:1::12 --cooperate
lab_await web 8 3478 3479 || fail "stund does not start: $(cat "$tmp/stund.log")"

# All that is asked at once is asked of ports of its own: 4900 to 4919 are forwarded, and those from
# 4910 on closed by a firewall of this host; 4920 and above are not.
lab_in box nft add rule ip nat prerouting iifname wan meta l4proto "{ tcp, udp }" th dport \
	4900-4919 dnat to 192.168.1.2
lab_nft home << 'END'
table inet closed {
	chain input {
		type filter hook input priority 0;
		ct state established,related accept
		meta l4proto { tcp, udp } th dport 4910-4919 drop
	}
}
END
lab_nft box <<< 'insert rule ip filter input tcp dport 4930 accept'
lab_spawn box "$tmp/web.log" socat TCP4-LISTEN:4930,fork,reuseaddr SYSTEM:true
lab_spawn home "$tmp/tcp" socat TCP4-LISTEN:4905,fork,reuseaddr SYSTEM:true
lab_spawn home "$tmp/udp" socat -u UDP4-RECV:4905 STDOUT
lab_await home 1 4905

WHAT=() WANT=() PIDS=()

# run WHAT WANT STATUS COMMAND...: natprobe reach, in the background
run() {
	local n=${#WHAT[@]}

	WHAT+=("$1") WANT+=("$2 $3")
	lab_in home "${@:4}" --json > "$tmp/$n.out" 2> "$tmp/$n.err" &
	PIDS+=($!)
}

# reach WHAT WANT STATUS PORT OPTION...
reach() {
	run "$1, $4" "$2" "$3" "$probe" reach --no-upnp "${@:4}"
}

# The same without any privilege, so that nobody watches the interface.
plain() {
	run "$1, $4, without root" "$2" "$3" setpriv --bounding-set -all --inh-caps -all \
		--reuid 65534 --regid 65534 --clear-groups "$probe" reach --no-upnp "${@:4}"
}

fits_schema() {
	python3 -c 'import jsonschema' 2> /dev/null || return 0
	python3 - "${srcdir:-.}/doc/natprobe-reach.schema.json" "$@" << 'END'
import json, jsonschema, sys
judge = jsonschema.Draft202012Validator(json.load(open(sys.argv[1])))
for each in sys.argv[2:]:
    judge.validate(json.load(open(each)))
END
}

# Waits for all of them, and compares.
judge() {
	local n status got

	for n in "${!WHAT[@]}"; do
		wait "${PIDS[n]}"
		status=$?
		got="$(jq -r .verdict "$tmp/$n.out" 2>&1) $status"
		echo "# ${WHAT[n]}: $got"
		[ "$got" = "${WANT[n]}" ] ||
			fail "${WHAT[n]}: $got, not ${WANT[n]}: $(cat "$tmp/$n.out" "$tmp/$n.err")"
		[ ! -s "$tmp/$n.err" ] || fail "${WHAT[n]}: $(cat "$tmp/$n.err")"
	done
	fits_schema "$tmp"/*.out || fail "a document is not as the schema says"
	WHAT=() WANT=() PIDS=()
}

reach "nothing listens" nothing-listens 1 4900/udp
reach "nothing listens" nothing-listens 1 4900/tcp
reach "natprobe stands in" open 0 4901/udp --listen
reach "natprobe stands in" open 0 4901/tcp --listen
plain "natprobe stands in" open 0 4902/udp --listen
reach "a program" open 0 4905/tcp
plain "a program" open 0 4905/tcp
reach "a program" arrives 4 4905/udp
plain "a program" unknown 4 4905/udp
reach "a firewall of this host" host-firewall 1 4910/udp
reach "a firewall of this host" host-firewall 1 4910/tcp
plain "a firewall of this host" host-firewall-or-nat-filter 1 4911/udp
plain "a firewall of this host" host-firewall-or-nat-filter 1 4911/tcp
reach "no forwarding" nat-filter 1 4920/udp
reach "no forwarding" nat-filter 1 4920/tcp
plain "no forwarding" host-firewall-or-nat-filter 1 4921/tcp
NATPROBE_SERVER='[2a10:1::11]:3478'
reach "natprobe stands in, over IPv6" open 0 4903/udp --listen
reach "natprobe stands in, over IPv6" open 0 4903/tcp --listen
reach "a firewall of this host, over IPv6" host-firewall 1 4912/udp
reach "a firewall on the way, over IPv6" firewall 1 4922/udp
reach "a firewall on the way, over IPv6" firewall 1 4922/tcp
NATPROBE_SERVER=91.80.1.11
reach "the gateway itself answers" other-host 1 4930/tcp
judge

printf '\0\200\0\0\0\0\1\0\144\100\0\2' > "$tmp/shared" # NAT-PMP: 100.64.0.2
lab_spawn box "$tmp/pmp.log" socat UDP4-RECVFROM:5351,fork SYSTEM:"cat $tmp/shared"
lab_await box 1 5351
reach "a gateway with a shared address" cgn 1 4920/udp
reach "a gateway with a shared address" cgn 1 4920/tcp
NATPROBE_SERVER=91.80.1.13 reach "a silent server" unknown 3 4900/udp
lab_spawn web "$tmp/other.log" "$stund" --listen 84.20.3.1
lab_await web 9 3478 3479
NATPROBE_SERVER=84.20.3.1 reach "a server that does not cooperate" unknown 4 4901/udp
judge

[ "$failed" = 0 ] && echo "ok"
exit "$failed"
