#!/bin/bash
# turnutils_uclient of coturn against turnd, over every transport and with every kind of credentials:
# all that it sends to a peer has to come back. Its exit status says nothing: it is 0 whatever is
# lost.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/foreign/relay.sh"
lab_enter "$@"
lab_need turnutils_uclient turnutils_peer
relay_start
relay_serve plain 3478 users mobility tcp channels
relay_serve rest 3578 rest channels
relay_serve oauth 3678 oauth channels

messages=30
[ -z "${NATKIT_FULL:-}" ] || messages=1000
names=() pids=()
declare -A wanted=() options=()

# talk NAME: leaves what uclient says.
talk() {
	# shellcheck disable=SC2086	# no option has a space in it
	lab_in client timeout 60 turnutils_uclient -z 5 ${options[$1]} > "$relay_tmp/$1.out" 2>&1
}

# joins OPTION...: whether messages travel over TLS, or over TCP to peers. There uclient takes what
# one read brings for one message: of two that a busy machine lets travel together it loses one.
joins() {
	[[ " $* " == *" -T "* || " $* " == *" -t -S "* ]]
}

# ask NAME OPTION... SERVER: in the background; judge looks at what came of it. Without -c it is two
# clients, and with -y and -T too.
ask() {
	local count=$messages

	joins "${@:2}" && count=30
	names+=("$1")
	options[$1]="-n $count ${*:2}"
	wanted[$1]=$count
	[[ " $* " == *" -c "* && " $* " != *" -"[yT]" "* ]] || wanted[$1]=$((count * 2))
	talk "$1" &
	pids+=($!)
}

# judge NAME: each message came back once, or with -y arrived at the other client once.
judge() {
	local last want=${wanted[$1]} tries=1

	joins "${options[$1]}" && tries=4
	until grep -q "tot_send_msgs=$want, tot_recv_msgs=$want\b" "$relay_tmp/$1.out"; do
		tries=$((tries - 1))
		last=$(grep -o 'tot_send_msgs=.*tot_recv_msgs=.*' "$relay_tmp/$1.out" | tail -n 1)
		[ "$tries" -gt 0 ] || {
			fail "$1: ${last:-nothing}, not $want: $(tail -n 3 "$relay_tmp/$1.out")"
			return
		}
		talk "$1"
	done
}

lab_spawn client "$relay_tmp/peer.log" turnutils_peer -p 3480 -L $peer_ip -L $peer_ip6
lab_await client 2 3480 || fail "no turnutils_peer"

user=(-u "$relay_user" -w "$relay_password")
from=(-L "$client_ip" -e "$peer_ip" -c)
ask udp "${user[@]}" "${from[@]}" $relay_ip
ask udp-rtcp "${user[@]}" -L $client_ip -e $peer_ip $relay_ip # EVEN-PORT, RESERVATION-TOKEN
ask udp-send "${user[@]}" -s "${from[@]}" $relay_ip
ask udp-clients "${user[@]}" -y -c -L $client_ip $relay_ip
ask udp-padded "${user[@]}" -D "${from[@]}" $relay_ip
ask udp-dont-fragment "${user[@]}" -g "${from[@]}" $relay_ip
ask udp-more-requests "${user[@]}" -G "${from[@]}" $relay_ip
ask tcp "${user[@]}" -t "${from[@]}" $relay_ip
ask tcp-send "${user[@]}" -t -s "${from[@]}" $relay_ip
ask tls "${user[@]}" -t -S -p 5349 "${from[@]}" $relay_ip
ask tls-send "${user[@]}" -t -S -s -p 5349 "${from[@]}" $relay_ip
ask dtls "${user[@]}" -S -p 5349 "${from[@]}" $relay_ip
ask dtls-send "${user[@]}" -S -s -p 5349 "${from[@]}" $relay_ip
ask ipv6 "${user[@]}" -x -c -L $client_ip6 -e $peer_ip6 $relay_ip6
ask ipv6-tcp "${user[@]}" -t -x -c -L $client_ip6 -e $peer_ip6 $relay_ip6
ask ipv4-to-ipv6 "${user[@]}" -x -c -L $client_ip -e $peer_ip6 $relay_ip
ask ipv6-to-ipv4 "${user[@]}" -X -c -L $client_ip6 -e $peer_ip $relay_ip6
ask dual "${user[@]}" -Z "${from[@]}" $relay_ip
for i in 1 2 3 4; do # to the same worker, and to others
	ask mobility-$i "${user[@]}" -M "${from[@]}" $relay_ip
	ask mobility-tcp-$i "${user[@]}" -M -t "${from[@]}" $relay_ip
done
ask tcp-to-tcp "${user[@]}" -T -c -L $client_ip $relay_ip
ask tls-to-tcp "${user[@]}" -T -c -S -p 5349 -L $client_ip $relay_ip
ask rest -u bob -W $relay_secret -p 3578 "${from[@]}" $relay_ip
ask oauth -J "${from[@]}" -p 3678 $relay_ip
wait "${pids[@]}"
for name in "${names[@]}"; do
	judge "$name"
done
exit "$failed"
