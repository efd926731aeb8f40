#!/bin/bash
# lib/turn_client against Debian's coturn, over UDP and TCP: an allocation from its beginning to its
# end, with data by a channel and by indications; TCP to peers; and what is said about a wrong
# password.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need turnserver ss

ask=${builddir:-.}/tests/turn_ask
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
server=91.80.1.10
peer=91.80.1.20
lab_loopback $server $peer

turnserver -n -L $server -E $server -r example.org -a -u alice:secret -b "$tmp/db" --no-tls \
	--no-dtls --no-cli --log-file=stdout --simple-log --pidfile="$tmp/pid" > "$tmp/log" 2>&1 &

# ready: until it listens, on both transports; fails after 10 seconds.
ready() {
	for _ in $(seq 600); do
		if ss -Hlun "sport = :3478" | grep -q . && ss -Hltn "sport = :3478" | grep -q .; then
			return
		fi
		sleep 0.05
	done
	return 1
}

ready || { tail -n 5 "$tmp/log"; echo "coturn is not ready"; exit 1; }

for transport in udp tcp; do
	"$ask" $transport $server:3478 $peer alice secret > "$tmp/out" 2>&1 ||
		fail "over $transport: $(cat "$tmp/out" "$tmp/log")"
	for said in "allocated $server:" "permitted $peer:" "channel bound $peer:" "talked 1" \
		"refreshed $server:" "talked 2" deleted; do
		grep -q "^$said" "$tmp/out" || fail "over $transport: no \"$said\" in $(cat "$tmp/out")"
	done
done

# TCP on the far side as well, both ways round.
"${builddir:-.}/tests/turn_link_ask" $server:3478 $peer alice secret > "$tmp/out" 2>&1 ||
	fail "TCP to peers: $(cat "$tmp/out" "$tmp/log")"
[ "$(xargs < "$tmp/out")" = "connected called deleted" ] || fail "TCP to peers: $(cat "$tmp/out")"

"$ask" udp $server:3478 $peer alice wrong > "$tmp/out" 2>&1
[ $? = 1 ] || fail "a wrong password: $(cat "$tmp/out")"
grep -q '^failed: .*password (401)' "$tmp/out" || fail "a wrong password: $(cat "$tmp/out")"
exit "$failed"
