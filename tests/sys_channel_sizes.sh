#!/bin/bash
# ChannelData of every size from 0 to 1472 bytes through turnd, one by one and in bursts, in both
# directions and over every transport, compared byte by byte.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/foreign/relay.sh"
lab_enter "$@"
relay_start
relay_serve plain 3478 users

# ask NAME TRANSPORT SERVER PEER: in the background
names=() pids=()
ask() {
	names+=("$1")
	lab_in client timeout 60 "${builddir:-.}/tests/channel_sizes" "$2" "$3" "$4" \
		$relay_user $relay_password "$relay_ca" > "$relay_tmp/$1.out" 2>&1 &
	pids+=($!)
}

ask udp udp $relay_ip:3478 $peer_ip
ask tcp tcp $relay_ip:3478 $peer_ip
ask tls tls $relay_ip:5349 $peer_ip
ask dtls dtls $relay_ip:5349 $peer_ip
ask ipv6 udp "[$relay_ip6]:3478" $peer_ip6
wait "${pids[@]}"
for name in "${names[@]}"; do
	grep -qx '12546 datagrams' "$relay_tmp/$name.out" ||
		fail "$name: $(tail -n 3 "$relay_tmp/$name.out")"
done
exit "$failed"
