#!/bin/bash
# Attackers meet turnd as it comes: credentials and relay addresses are all that its configuration
# says. Behind it is a network that it must not let them into; a watch counts what leaves turnd for
# anybody but its clients, and a listener in there what arrives. Then the same with what is off by
# default.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"

turnd=${builddir:-.}/turnd/turnd
attack=${builddir:-.}/tests/attack
for tool in "$turnd" "$attack"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
server=91.80.1.1
server6=2a06:1300:1::1

lab_node relay ipv6
lab_node outside ipv6
lab_node inside ipv6
lab_link relay:eth0 $server/24,$server6/64 outside:eth0 91.80.1.2/24,2a06:1300:1::2/64
lab_link relay:eth1 10.0.0.1/30,fd00::1/64,91.80.2.1/32 inside:eth0 10.0.0.2/30,fd00::2/64
lab_address inside lo 169.254.169.254/32,fd00:ec2::254/128,91.90.0.1/32
lab_route relay 91.81.0.0/16 via 91.80.1.2
lab_route relay default via 10.0.0.2
lab_in relay ip -6 route add default via fd00::2
lab_route inside default via 10.0.0.1
lab_in inside ip -6 route add default via fd00::1
lab_route outside local 91.81.0.0/16 dev lo

lab_nft relay << 'END'
table inet watch {
	counter left { }
	chain out {
		type filter hook output priority 0
		oifname "eth0" ip daddr { 91.80.1.2, 91.81.0.0/16 } accept
		oifname "eth0" ip6 daddr 2a06:1300:1::2 accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept
		counter name left
	}
}
END
lab_nft inside << 'END'
table inet watch {
	counter heard { }
	chain in {
		type filter hook prerouting priority 0
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept
		counter name heard
	}
}
END

# counted NODE COUNTER: packets so far.
counted() {
	lab_in "$1" nft list counter inet watch "$2" | awk '$1 == "packets" { print $2 }'
}

# quiet WHAT: nothing left, and nothing arrived, so far.
quiet() {
	local left heard

	left=$(counted relay left)
	heard=$(counted inside heard)
	[ "$left $heard" = "0 0" ] || fail "$1: $left packets left turnd, $heard arrived inside"
}

# finds COMMAND WORD...: attacks, and finds nothing.
finds() {
	lab_in outside "$attack" "$@" > "$tmp/found" 2>&1 ||
		fail "attack $*: $? $(head -n 20 "$tmp/found")"
	quiet "$*"
}

# begin LINE...: a turnd with no more in its configuration than this.
begin() {
	printf '%s\n' "$@" "[user alice]" "password = secret" > "$tmp/conf"
	chmod 600 "$tmp/conf"
	: > "$tmp/log" # the one before was ready, too
	lab_spawn relay "$tmp/log" "$turnd" --config "$tmp/conf"
	pid=$!
	for _ in $(seq 600); do
		grep -q ' ready' "$tmp/log" && return
		sleep 0.05
	done
	fail "turnd is not ready: $(cat "$tmp/log")"
}

end() {
	kill "$pid"
	wait "$pid" || fail "turnd: $? $(cat "$tmp/log")"
}

# holds PEER CODE WANT FROM...: of what these say to a client who asked for PEER and was told CODE,
# it hears so many.
holds() {
	local in out relayed heard from

	rm -f "$tmp/fifo"
	mkfifo "$tmp/fifo"
	exec {out}< <(lab_in outside "$attack" hold $server alice secret "$1" "$2" \
		< "$tmp/fifo" 2> "$tmp/err")
	exec {in}> "$tmp/fifo"
	read -r -u "$out" relayed || fail "hold $1: $(cat "$tmp/err")"
	for from in "${@:4}"; do
		lab_in inside "$attack" say "$from" "$relayed" || fail "$from cannot speak"
	done
	exec {in}>&-
	read -r -u "$out" heard
	exec {out}<&-
	[ "$heard" = "$3" ] || fail "a client who asked for $1 hears $heard of ${*:4}"
}

echo "# by default"
both="relay-address = $server, $server6"
begin "$both" "realm = example.org"
finds probe $server alice secret
finds own $server alice secret relay $server relay $server6 91.80.2.1:3478 10.0.0.1 fd00::1
finds guess $server alice 91.81.0.0
finds allocate $server alice secret
holds 10.0.0.2:9 403 0 10.0.0.2:9 169.254.169.254:9 91.90.0.1:9
holds '[fd00::2]:9' 403 0 '[fd00::2]:9' '[fd00:ec2::254]:9'
quiet "peers that nobody asked for"
end

echo "# with TCP, an admin listener, and an address that the world sees"
begin "relay-address = $server public 91.80.7.7" "relay-address = $server6" "realm = example.org" \
	"tcp-relay = on" "admin = 91.80.2.1:9641" "mobility = on" "rfc5766-channels = on"
finds probe $server alice secret
finds connect $server alice secret
for command in own own-tcp; do
	finds $command $server alice secret relay $server relay 91.80.7.7 relay $server6 \
		91.80.2.1:3478 91.80.2.1:9641 10.0.0.1 fd00::1
done

echo "# the watch does count, and honest peers are heard"
lab_in outside "$attack" relay $server alice secret 91.90.0.1:9 5 || fail "relay: $?"
[ "$(counted inside heard)" = 5 ] || fail "of 5 datagrams $(counted inside heard) arrive"
[ "$(counted relay left)" = 5 ] || fail "of 5 datagrams $(counted relay left) leave"
end
begin "$both" "realm = example.org"
holds 91.90.0.1:9 0 2 10.0.0.2:9 91.90.0.1:9 169.254.169.254:9 91.90.0.1:10
end
[ "$failed" = 0 ] && echo "ok"
exit "$failed"
