#!/bin/bash
# natprobe relay against turnd: both families on every transport, found by DNS as RFC 5928 says, and
# what is said where turnd refuses.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
. "${srcdir:-.}/tests/lab/relay.sh"
lab_need dnsmasq

turnd=${builddir:-.}/turnd/turnd
[ -x "$turnd" ] || lab_skip "$turnd is not built"

# start LINE...: a turnd with these in its configuration, ready; stop: its end.
start() {
	printf '%s\n' "listen = $server, [$server6]" "relay-ports = 50000-50199" "$@" > "$tmp/conf"
	chmod 600 "$tmp/conf"
	: > "$tmp/log" # the one before said ready, too
	lab_spawn web "$tmp/log" "$turnd" --config "$tmp/conf"
	pid=$!
	for _ in $(seq 600); do
		grep -q ' ready' "$tmp/log" && return
		sleep 0.05
	done
	fail "turnd is not ready: $(cat "$tmp/log")"
}

stop() {
	kill "$pid"
	wait "$pid" 2> /dev/null
}

# user NAME PASSWORD: the section of a user.
user() {
	printf '%s\n' "[user $1]" "password = $2"
}

both=("relay-address = $server, $server6" "realm = example.org")

echo "# both families on every transport"
start "${both[@]}" "cert-file = $tmp/good.pem" "key-file = $tmp/good.key" "$(user alice secret)"
for uri in turn:$server "turn:[$server6]" turns:turn.test; do
	relay 0 "${me[@]}" --ca-file "$tmp/ca.pem" "$uri"
	says '.trials | length' 2
	says '[.trials[].verdict] | unique | join(" ")' works
	says '[.trials[].families[].loop | "\(.sent) \(.arrived) \(.returned)"] | unique | join(",")' '30 30 30'
	says '[.trials[].families | length] | unique | join(" ")' 2
	says '[.trials[] | .in.state, .out.state] | unique | join(" ")' passes
	# shellcheck disable=SC2016	# a variable of jq
	says '[.trials[] | .out.from as $from | .families[].relayed | index($from) != null] | any' true
	says '[.trials[].findings | length] | add' 0
done
relay 0 "${me[@]}" --redact --transport udp turn:$server
says .uri turn:192.0.2.1
says '[.. | strings | select(startswith("91.") or startswith("[2a06"))] | length' 0
says '.trials[0] | (.families[0].relayed[0] == .out.from) and (.server == "192.0.2.1:3478")' true
relay 1 --user alice --password-file "$tmp/wrong" turn:$server
found 0 no-allocation
says '.trials[1].findings[0].code' 401
relay 1 turn:$server
found 0 no-allocation
relay 1 "${me[@]}" --ca-file "$tmp/ca.pem" turns:other.test
found 0 certificate-name
found 1 certificate-name

echo "# behind a NAT that gives each destination another port"
lab_nft net << 'END'
table ip nat {
	chain post {
		type nat hook postrouting priority 100
		oifname "web" masquerade fully-random
	}
}
END
relay 0 "${me[@]}" turn:$server
says '[.trials[].verdict] | unique | join(" ")' works
says '.trials[0].mapped[0:10]' 91.80.1.1:
says '[.trials[] | .in.state, .out.state] | unique | join(" ")' passes
says '[.trials[].in.from[0:10]] | unique | join(" ")' 91.80.1.1:
lab_nft net <<< 'delete table ip nat'

echo "# by DNS: NAPTR, SRV, and the host itself"
lab_spawn home "$tmp/dns.log" dnsmasq --keep-in-foreground --log-facility=- --conf-file=/dev/null \
	--pid-file= --user= --group= --no-resolv --no-hosts --bind-interfaces \
	--listen-address=127.0.0.53 --port=53 --local=/example/ \
	--host-record=relay.example,$server --host-record=turn.test,$server \
	--naptr-record=naptr.example,10,1,S,RELAY:turn.tcp,,_turn._tcp.srv.example \
	--naptr-record=naptr.example,20,1,A,RELAY:turn.udp,,relay.example \
	--naptr-record=alias.example,10,1,,RELAY:turn.udp:turn.tcp,,naptr.example \
	--srv-host=_turn._tcp.srv.example,relay.example,3478,1,1 \
	--srv-host=_turn._udp.srv.example,.,0,1,1
echo nameserver 127.0.0.53 > "$tmp/resolv.conf"
for _ in $(seq 600); do
	grep -q started "$tmp/dns.log" && break
	sleep 0.05
done
for name in naptr alias; do
	relay 0 "${me[@]}" turn:$name.example
	says '[.trials[] | .transport + " " + .server] | join(", ")' "tcp $server:3478, udp $server:3478"
done
relay 0 "${me[@]}" turn:srv.example
says '[.trials[].transport] | join(" ")' tcp
relay 3 "${me[@]}" "turn:srv.example?transport=udp"
says .why 'its domain says that it has no such service'
relay 0 "${me[@]}" turn:relay.example
says '[.trials[].transport] | sort | join(" ")' "tcp udp"
relay 3 "${me[@]}" turn:nowhere.example
stop

echo "# quotas, policies, and addresses that are wrong"
start "${both[@]}" "user-quota = 2" "$(user alice secret)"
relay 0 "${me[@]}" turn:$server
stop
start "${both[@]}" "user-quota = 1" "$(user alice secret)"
relay 1 "${me[@]}" turn:$server
found 0 one-allocation-only
found 1 one-allocation-only
says '.trials[0].findings[0].code' 486
stop
start "${both[@]}" "deny-peer = $server/32" "$(user alice secret)"
relay 1 "${me[@]}" --transport udp turn:$server
found 0 peer-denied
stop
start "${both[@]}" "deny-peer = $client/32" "$(user alice secret)"
relay 0 "${me[@]}" --transport udp turn:$server
found 0 own-address-denied
stop
start "relay-address = $server public 91.80.1.99" "realm = example.org" "$(user alice secret)"
relay 1 "${me[@]}" --transport udp turn:$server
found 0 wrong-public-address
stop
start "${both[@]}"
relay 1 "${me[@]}" --transport udp turn:$server
found 0 no-allocation
stop

echo "# access tokens alone"
key=$(openssl rand -base64 32)
(umask 077 && echo "k1 A256GCM $key" > "$tmp/keys")
start "${both[@]}" "oauth-key-file = $tmp/keys" "oauth-server-name = turn.test" "user-quota = 1"
grep -q 'all who have access tokens' "$tmp/log" || fail "the log has no tokens: $(cat "$tmp/log")"
"${builddir:-.}/tests/token_say" turn.test k1 "$key" 600 > "$tmp/token" || fail "no token"
relay 0 --token-file "$tmp/token" turn:$server
says '[.trials[].verdict] | unique | join(" ")' works
says '[.trials[].lifetime_s <= 605] | all' true
"${builddir:-.}/tests/token_say" other.test k1 "$key" 600 > "$tmp/token" || fail "no token"
relay 1 --token-file "$tmp/token" --transport udp turn:$server
found 0 no-allocation
says '.trials[0].findings[0].code' 401
stop

echo "# sent on to another server, whose certificate has another name"
certificate else else.test 2 || fail "no certificate: $(cat "$tmp/openssl")"
printf '%s\n' "listen = 91.80.1.11" "relay-address = 91.80.1.11" "relay-ports = 50000-50199" \
	"realm = example.org" "cert-file = $tmp/else.pem" "key-file = $tmp/else.key" \
	"$(user alice secret)" > "$tmp/else.conf"
chmod 600 "$tmp/else.conf"
lab_spawn web "$tmp/else.log" "$turnd" --config "$tmp/else.conf"
other=$!
for domain in else.test wrong.test; do
	start "${both[@]}" "alternate-server = 91.80.1.11:5349 tls $domain" \
		"alternate-server = 91.80.1.11:5349 dtls $domain" \
		"cert-file = $tmp/good.pem" "key-file = $tmp/good.key" "$(user alice secret)"
	if [ $domain = else.test ]; then
		relay 0 "${me[@]}" --ca-file "$tmp/ca.pem" turns:turn.test
		says '[.trials[].families[].relayed[] | startswith("91.80.1.11:")] | unique | join(" ")' true
	else
		relay 1 "${me[@]}" --ca-file "$tmp/ca.pem" turns:turn.test
		found 0 certificate-name
		found 1 certificate-name
	fi
	says '[.trials[].redirected] | unique | join(" ")' 91.80.1.11:5349
	stop
done
kill "$other"
exit "$failed"
