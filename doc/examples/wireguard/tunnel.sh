#!/bin/bash
# tunnel.sh - a WireGuard tunnel over a path that natprobe connect made. As root, on both hosts:
#
#	natprobe connect CODE -- ./tunnel.sh %innerip% %innerport% %peerip% %peer% [COMMAND...]
#
# It lasts until COMMAND ends, which finds the addresses of both ends in TUNNEL_OWN and TUNNEL_PEER;
# without COMMAND until ^C. README.md beside it has the rest.
set -eu
umask 077

inner_ip=$1 inner_port=$2 peer_ip=$3 peer=$4
shift 4

die() {
	echo "tunnel.sh: $*" >&2
	exit 1
}

# derive LABEL: 64 hex digits that follow from the secret, which both sides have and nobody else.
# It is fresh in each meeting, and in no command line: printf is the shell's own.
derive() {
	printf 'natkit wireguard %s %s' "$1" "$NATPROBE_SECRET" | sha256sum | cut -c 1-64
}

# key LABEL: the same as WireGuard writes keys.
key() {
	printf '%b' "$(derive "$1" | sed 's/../\\x&/g')" | base64
}

[ "$NATPROBE_TRANSPORT" = udp ] || die "WireGuard needs UDP"
case "$(ip -o route get "$peer_ip") " in
*" src $inner_ip "*) ;; # from another address our NAT would use another mapping
*) die "the route to $peer_ip does not use $inner_ip: take another --interface, or add a route" ;;
esac

# Both sides derive the keys of both, so that none has to travel.
if [ "$NATPROBE_ROLE" = a ]; then mine=a own=1 theirs=b other=2; else mine=b own=2 theirs=a other=1; fi
private=$(key "private $mine")
public=$(key "private $theirs" | wg pubkey)
preshared=$(key preshared)
hex=$(derive network)
unset NATPROBE_SECRET

# Addresses in a network that nobody else has (RFC 4193), or where TUNNEL_NET says: 10.77.0. for one
net=${TUNNEL_NET:-fd${hex:0:2}:${hex:2:4}:${hex:6:4}::}
export TUNNEL_OWN=$net$own TUNNEL_PEER=$net$other
case $net in *:) bits=128 ;; *) bits=32 ;; esac

# Well below the time that our NAT was seen to keep a mapping for; every 20 s where it is not known.
keepalive=$((NATPROBE_LIFETIME > 0 ? NATPROBE_LIFETIME / 3 : 20))
keepalive=$((keepalive < 1 ? 1 : keepalive > 25 ? 25 : keepalive))

interface=wg-$inner_port
children=()
clean_up() {
	ip link delete "$interface" 2> /dev/null || true
	[ ${#children[@]} = 0 ] || kill "${children[@]}" 2> /dev/null || true
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The kernel's WireGuard, or else wireguard-go.
if ! ip link add "$interface" type wireguard 2> /dev/null; then
	LOG_LEVEL=error wireguard-go -f "$interface" > /dev/null 2>&1 &
	children+=($!)
	until wg show "$interface" > /dev/null 2>&1; do
		kill -0 $! 2> /dev/null || die "neither the kernel's WireGuard nor wireguard-go starts"
		sleep 0.05
	done
fi

# The port is the one that the path was made from, and no other peer's packets come by it.
wg set "$interface" listen-port "$inner_port" private-key <(echo "$private") \
	peer "$public" preshared-key <(echo "$preshared") endpoint "$peer" \
	persistent-keepalive "$keepalive" allowed-ips "$TUNNEL_PEER/$bits"
ip address add "$TUNNEL_OWN/$bits" dev "$interface" || die "TUNNEL_NET=10.77.0. on both takes IPv4"
ip link set "$interface" mtu 1280 up # which fits wherever IPv6 does, and through a relay
ip route add "$TUNNEL_PEER/$bits" dev "$interface"

for ((i = 0; ; i++)); do
	[ "$(wg show "$interface" latest-handshakes | cut -f 2)" = 0 ] || break
	((i < 300)) || die "no handshake in 30 s"
	sleep 0.1
done
echo "tunnel.sh: $TUNNEL_OWN (here) to $TUNNEL_PEER (there), on $interface" >&2

if [ $# -gt 0 ]; then
	"$@"
else
	sleep infinity &
	children+=($!)
	wait $!
fi
