#!/bin/bash
# turnd as a whole, as its users and foreign clients meet it: every transport, both families, several
# workers, real ICMP errors, a reload under traffic, and what it leaves behind. What arrives is what
# counts: turnutils_uclient ends with 0 whatever is lost.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/server.sh"
lab_enter "$@"
lab_need turnutils_uclient turnutils_peer openssl ss timeout

turnd=${builddir:-.}/turnd/turnd
ask=${builddir:-.}/tests/relay_ask
move=${builddir:-.}/tests/move_ask
talk=${builddir:-.}/tests/turn_ask
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
daemon=("$turnd" --config "$tmp/turnd.conf")

# Addresses as the world has them: what is special turnd does not relay to.
server=91.80.1.10
peer=91.80.1.20
server6=2a01:4f8::10
peer6=2a01:4f8::20

for tool in "$turnd" "$ask" "$move" "$talk"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
lab_loopback $server $peer $server6 $peer6

# metric NAME: its value now.
metric() {
	exec 3<> /dev/tcp/127.0.0.1/9641 || return
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3
	grep "^$1 " <&3 | sed 's/.* //' | tr -d '\r'
	exec 3>&-
}

# arrives COUNT OPTION...: starts turnutils_uclient; so many messages have to come back to it.
# Datagrams may be lost anywhere, but not on this loopback at this pace.
arrives() {
	timeout 60 turnutils_uclient -u alice -w secret "${@:2}" > "$tmp/uclient.${#wants[@]}" 2>&1 &
	clients+=($!)
	wants+=("$*")
}

# all_arrived: what became of them. Over TLS turnutils_uclient takes what one read brings for one
# message: of two that a busy machine lets travel in one record it sees none. So it has more tries.
all_arrived() {
	local i want options tries

	wait "${clients[@]}"
	for i in "${!wants[@]}"; do
		read -r want options <<< "${wants[i]}"
		tries=1
		[[ " $options " != *" -t -S "* ]] || tries=4
		until grep -q "tot_recv_msgs=$want\b" "$tmp/uclient.$i"; do
			tries=$((tries - 1))
			[ $tries -gt 0 ] || break
			# shellcheck disable=SC2086	# options are words
			timeout 60 turnutils_uclient -u alice -w secret $options > "$tmp/uclient.$i" 2>&1
		done
		[ $tries -gt 0 ] || fail "turnutils_uclient" \
			"$options: $(grep -E 'tot_recv|rror' "$tmp/uclient.$i" | tail -n 3)"
	done
}

# asks WHAT SERVER PEER PATTERN: relay_ask is content, and says so.
asks() {
	"$ask" "$1" "$2" "$3" alice secret > "$tmp/ask" 2>&1 || fail "relay_ask $1: $?"
	grep -q -- "$4" "$tmp/ask" ||
		fail "relay_ask $1 $2 $3: $(cat "$tmp/ask")"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=example.org \
	-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2> "$tmp/err" || fail "$(cat "$tmp/err")"
cat > "$tmp/turnd.conf" << END
listen = $server, $server6
relay-address = $server, $server6
realm = example.org
cert-file = $tmp/cert.pem
key-file = $tmp/key.pem
mobility = on
rfc5766-channels = on
admin = 9641
[user alice]
password = secret
END

turnutils_peer -L $peer -L $peer6 -p 3480 > "$tmp/peer" 2>&1 &

start --workers 4

for transport in udp tcp; do
	"$talk" $transport $server:3478 $peer alice secret > "$tmp/ask" 2>&1 ||
		fail "turn_ask $transport: $(cat "$tmp/ask")"
done
clients=() wants=()
for way in "" -t -S "-t -S"; do
	# shellcheck disable=SC2086	# no word is one, too
	arrives 80 $way -n 40 -m 2 -z 5 -c -e $peer $server
	# shellcheck disable=SC2086
	arrives 80 $way -s -n 40 -m 2 -z 5 -c -e $peer $server
done
# Even ports, each with the next one reserved for RTCP: the token may reach another worker.
arrives 160 -n 40 -m 4 -z 5 -e $peer $server
arrives 80 -y -n 40 -m 2 -z 5 -c $server
arrives 80 -x -n 40 -m 2 -z 5 -c -e $peer6 $server
arrives 80 -x -n 40 -m 2 -z 5 -c -e $peer6 $server6
arrives 80 -n 40 -m 2 -z 5 -c -e $peer $server6

all_arrived

asks sizes $server:3478 $peer '^1473 sizes'
asks sizes "[$server6]:3478" $peer '^1473 sizes'
asks icmp $server:3478 $peer '^icmp 3 3'
asks move $server:3478 $peer '^moved 16'
for _ in 1 2 3 4 5 6 7 8; do # to the same worker, and to others
	asks overlap $server:3478 $peer '^old port until'
done

"$move" $server:3478 $peer alice secret > "$tmp/ask" 2>&1 || fail "move_ask: $(cat "$tmp/ask")"

for _ in 1 2 3 4 5 6 7 8; do # the token as well
	asks reserve $server:3478 $peer '^nobody else'
	asks reserve "[$server6]:3478" $peer '^nobody else'
done
[ "$(metric turnd_handed_over_total)" -gt 0 ] || fail "no request took another worker"
if [ -n "${NATKIT_FULL:-}" ]; then
	asks expire $server:3478 $peer '^free after'
fi

"$ask" steady $server:3478 $peer alice secret > "$tmp/steady" 2>&1 &
steady=$!
for _ in 1 2 3 4 5 6 7 8; do
	sleep 0.3
	kill -s HUP "$pid"
done
wait $steady || fail "traffic while it reloads: $(cat "$tmp/steady")"
[ "$(grep -c 'reload' "$tmp/log")" -ge 8 ] || fail "no reload: $(cat "$tmp/log")"

[ "$(metric 'turnd_requests_total{method="allocate"}')" -gt 50 ] || fail "no requests counted"
[ "$(metric 'turnd_relayed_packets_total{to="peer"}')" -gt 4000 ] || fail "no packets counted"
stop TERM 0

echo "# a link that takes 1500 bytes"
ip link set lo mtu 1500
start
asks big $server:3478 $peer '^icmp 3 4 1500'
stop TERM 0
exit "$failed"
