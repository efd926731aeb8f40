#!/bin/bash
# Two clients of Debian's pion/turn that talk to each other through turnd, over UDP, TCP and TLS, the
# latter with a certificate that they verify.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/foreign/relay.sh"
lab_enter "$@"
lab_need go
[ -d /usr/share/gocode/src/github.com/pion/turn/v2 ] ||
	lab_skip "golang-github-pion-turn.v2-dev is not installed"
relay_start

# Nothing is fetched: all of it is in Debian's packages.
GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS='' GOPROXY=off GOCACHE=$relay_tmp/cache \
	go build -o "$relay_tmp/pion" "${srcdir:-.}/tests/foreign/pion_relay.go" \
	> "$relay_tmp/go.log" 2>&1 || {
	fail "go build: $(cat "$relay_tmp/go.log")"
	exit 1
}
relay_serve plain 3478 users

# ask TRANSPORT PORT PASSWORD AUTHORITY
ask() {
	lab_in client timeout 90 "$relay_tmp/pion" "$1" $relay_ip:"$2" $relay_user "$3" \
		$relay_realm "$4" $relay_name 2>&1
}

pids=()
for transport in udp:3478 tcp:3478 tls:5349; do
	ask ${transport%:*} ${transport#*:} $relay_password "$relay_ca" \
		> "$relay_tmp/${transport%:*}.out" &
	pids+=($!)
done
wait "${pids[@]}"
for transport in udp tcp tls; do
	grep -q '^400 messages' "$relay_tmp/$transport.out" ||
		fail "$transport: $(tail -n 3 "$relay_tmp/$transport.out")"
done

# The judge judges: neither a wrong password nor a certificate of a stranger will do.
ask udp 3478 wrong "$relay_ca" | grep -q 'messages' && fail "a wrong password relays"
ask tls 5349 $relay_password /dev/null | grep -q messages &&
	fail "an authority that is none is believed"
exit "$failed"
