#!/bin/bash
# natprobe relay against Debian's coturn: what it says of a relay that works, on every transport,
# and of every way in which one does not.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
. "${srcdir:-.}/tests/lab/relay.sh"
lab_need turnserver

# start OPTION...: a coturn with these, ready; stop: its end.
start() {
	rm -f "$tmp/db"
	lab_spawn web "$tmp/log" turnserver -n -r example.org --min-port=50000 --max-port=50199 \
		--no-cli --log-file=stdout --simple-log --pidfile="$tmp/pid" -b "$tmp/db" "$@"
	coturn=$!
	for _ in $(seq 600); do
		[ "$(lab_in web ss -Hltn 'sport = :3478' | wc -l)" -ge 1 ] && return
		sleep 0.05
	done
	tail -n 5 "$tmp/log"
	fail "coturn $* is not ready"
}

stop() {
	kill "$coturn"
	wait "$coturn" 2> /dev/null
}

plain=(-a -u alice:secret --no-tls --no-dtls -L "$server" -E "$server")

echo "# it works: UDP and TCP, both families"
start "${plain[@]}" -L $server6
relay 0 "${me[@]}" turn:$server
says '[.trials[].transport] | sort | join(" ")' "tcp udp"
says '[.trials[].verdict] | unique | join(" ")' works
says '.trials[0].families[0].loop | "\(.sent) \(.arrived) \(.returned)"' '30 30 30'
says '[.trials[].families[0].relayed[] | startswith("91.80.1.10:50")] | all' true
says '.trials[0].in | .state + " " + .from[0:11]' "passes $client:"
says '.trials[0].out.from == .trials[0].families[0].relayed[0]' true
says '.trials[0].mapped[0:11]' "$client:"
says '[.trials[].findings | length] | add' 0
relay 0 "${me[@]}" --transport udp "turn:[$server6]"
says .trials[0].server "[$server6]:3478"
says '.trials[0].families[0].loop.state' passes
lab_in home "$natprobe" relay "${quick[@]}" "${me[@]}" "turn:$server?transport=udp" > "$tmp/out" ||
	fail "as text: $(cat "$tmp/out")"
grep -q "^udp $server:3478: works" "$tmp/out" || fail "as text: $(cat "$tmp/out")"
grep -q $'\033' "$tmp/out" && fail "colours, and yet no terminal"
NATPROBE_TURN_PASSWORD=secret relay 0 --user alice --transport tcp turn:$server
relay 0 --user alice --password-file - --transport udp turn:$server < "$tmp/password"

echo "# wrong credentials, none, and expired ones"
relay 1 --user alice --password-file "$tmp/wrong" turn:$server
found 0 no-allocation
says '.trials[0].findings[0].code' 401
relay 1 turn:$server
found 1 no-allocation
relay 1 --user 1000000000:alice --password-file "$tmp/password" --transport udp turn:$server
found 0 credentials-expired

echo "# nobody there, nothing but silence, and DNS"
relay 3 "${me[@]}" turn:$server:3999
found 0 refused
found 1 refused
lab_nft net <<< 'table inet t { chain f { type filter hook forward priority 0; ip daddr 91.80.1.10 udp dport 3478 drop; }; }'
relay 1 "${me[@]}" turn:$server
says '.trials[] | select(.transport == "udp") | .verdict' no-answer
says '.trials[] | select(.transport == "tcp") | .verdict' works
lab_nft net <<< 'flush table inet t'
relay 3 "${me[@]}" turn:nowhere.invalid
says '.why | length > 0' true
lab_in home ip -6 route del default
relay 3 -6 "${me[@]}" "turn:[2001:db8:ffff::1]:9"
says '[.trials[].verdict] | unique | join(" ")' not-tried
found 0 no-route
lab_route home default via 2a06:1300:2::1

echo "# a relay range that is closed"
lab_nft net <<< 'table inet t { chain f { type filter hook forward priority 0; ip daddr 91.80.1.10 udp dport 50000-50199 drop; }; }'
relay 1 "${me[@]}" --transport udp turn:$server
says .trials[0].verdict partly
found 0 relay-range-closed
lab_nft net <<< 'flush table inet t'
stop

echo "# peers that are denied"
start "${plain[@]}" --denied-peer-ip=$server
relay 1 "${me[@]}" --transport udp turn:$server
says .trials[0].verdict partly
says .trials[0].families[0].loop.code 403
found 0 peer-denied
stop
start "${plain[@]}" --denied-peer-ip=$client
relay 0 "${me[@]}" --transport udp turn:$server
found 0 own-address-denied
stop

echo "# a wrong public address, and a private one"
start "${plain[@]}" -X 91.80.1.99/$server
relay 1 "${me[@]}" --transport udp turn:$server
found 0 wrong-public-address
says '.trials[0].findings[] | select(.finding == "wrong-public-address") | .address[0:11]' "$server:"
stop
start "${plain[@]}" -X 10.1.2.3/$server
relay 1 "${me[@]}" --transport udp turn:$server
found 0 private-relay-address
stop

echo "# an open relay, and a quota of one"
start --no-auth --no-tls --no-dtls -L $server -E $server
relay 1 --transport udp turn:$server
says .trials[0].verdict partly
found 0 open-relay
stop
start "${plain[@]}" --user-quota=1
relay 1 "${me[@]}" --transport udp turn:$server
found 0 one-allocation-only
says '.trials[0].findings[0].code' 486
says .trials[0].in.state passes
stop

echo "# TLS and DTLS"
secure=(-a -u alice:secret -L "$server" -E "$server" --cert="$tmp/good.pem" --pkey="$tmp/good.key")
start "${secure[@]}"
relay 0 "${me[@]}" --ca-file "$tmp/ca.pem" turns:turn.test
says '[.trials[].transport] | sort | join(" ")' "dtls tls"
says '[.trials[].verdict] | unique | join(" ")' works
says '.trials[0].connect_ms > 0' true
relay 1 "${me[@]}" --ca-file "$tmp/ca.pem" turns:other.test
found 0 certificate-name
found 1 certificate-name
relay 1 "${me[@]}" --ca-file "$tmp/ca.pem" turns:$server
found 0 certificate-name
relay 1 "${me[@]}" turns:turn.test
found 0 certificate-untrusted
found 1 certificate-untrusted
relay 3 "${me[@]}" --ca-file "$tmp/ca.pem" turns:turn.test:3999
found 0 refused
found 1 refused
relay 0 "${me[@]}" --insecure turns:other.test
says '[.trials[].certificate_problem | length > 0] | all' true
stop
start -a -u alice:secret -L "$server" -E "$server" --cert="$tmp/old.pem" --pkey="$tmp/old.key"
relay 1 "${me[@]}" --ca-file "$tmp/ca.pem" turns:turn.test
found 0 certificate-dates
found 1 certificate-dates
stop

echo "# the command line"
for wrong in "" stun:$server "turns:$server:1?transport=sctp" "--transport sctp turn:$server" \
	"--user alice turn:$server" "--password-file $tmp/password turn:$server" \
	"--transport tls turn:$server" "--rate 0 turn:$server" "turn:$server another" \
	"--user alice --password-file $tmp/none turn:$server" "--ca-file $tmp/none turn:$server" \
	"--token-file $tmp/password turn:$server" "--json --quiet turn:$server"; do
	# shellcheck disable=SC2086	# words on purpose
	"$natprobe" relay $wrong > "$tmp/out" 2> "$tmp/err"
	[ $? = 2 ] || fail "relay $wrong: $(cat "$tmp/out" "$tmp/err")"
	[ -s "$tmp/err" ] || fail "relay $wrong says nothing"
done
exit "$failed"
