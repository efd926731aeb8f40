#!/bin/bash
# turnd where operators do what few do: a limit that a reload raises, a second turnd beside the first
# one, and files that are gone.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"

turnd=${builddir:-.}/turnd/turnd
ask=${builddir:-.}/tests/relay_ask
talk=${builddir:-.}/tests/turn_ask
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
server=91.80.1.10
peer=91.80.1.20

for tool in "$turnd" "$ask" "$talk"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
lab_loopback $server $peer

# await PATTERN FILE: until the log says so; fails after 5 seconds.
await() {
	for _ in $(seq 600); do
		grep -q -- "$1" "$2" && return
		sleep 0.05
	done
	fail "no $1: $(cat "$2")"
}

# configure LINE: the rest is always the same.
configure() {
	cat > "$tmp/turnd.conf" << END
listen = $server
relay-address = $server
realm = example.org
workers = 1
$1
[user alice]
password = secret
END
	chmod 600 "$tmp/turnd.conf"
}

# start NAME: its pid is in $pid.
start() {
	: > "$tmp/$1" # the one before said ready, too
	"$turnd" --config "$tmp/turnd.conf" 2> "$tmp/$1" &
	pid=$!
}

# stop PID
stop() {
	kill -s TERM "$1"
	wait "$1" || fail "it ended with $?"
}

echo "# total-quota is raised by a reload"
configure 'total-quota = 1'
start log
await ready "$tmp/log"
"$ask" steady $server:3478 $peer alice secret > "$tmp/steady" 2>&1 &
steady=$!
sleep 0.5
"$talk" udp $server:3478 $peer alice secret > "$tmp/ask" 2>&1 && fail "an allocation too many"
configure 'total-quota = 100'
kill -s HUP "$pid"
await 'is in effect' "$tmp/log"
"$talk" udp $server:3478 $peer alice secret > "$tmp/ask" 2>&1 || fail "508 yet: $(cat "$tmp/ask")"
wait $steady || fail "$(cat "$tmp/steady")"
stop "$pid"

echo "# no two share a port, whatever they serve there"
for line in 'tcp = off' 'udp = off'; do
	configure "$line"
	start log
	first=$pid
	await ready "$tmp/log"
	start second
	await 'is in use' "$tmp/second"
	[ "$failed" = 0 ] || kill -s TERM "$pid" # it would serve for ever
	wait "$pid" && fail "$line: two at once"
	stop "$first"
done

echo "# it drains although files cannot be read any more"
echo 0123456789abcdef > "$tmp/secret"
chmod 600 "$tmp/secret"
configure "control = $tmp/control
auth-secret-file = $tmp/secret"
start log
await ready "$tmp/log"
"$ask" steady $server:3478 $peer alice secret > "$tmp/steady" 2>&1 &
steady=$!
sleep 0.5
rm "$tmp/secret"
"$turnd" --control "$tmp/control" --drain > "$tmp/out" 2>&1 || fail "drain: $(cat "$tmp/out")"
"$talk" udp $server:3478 $peer alice secret > "$tmp/ask" 2>&1 && fail "it took a new allocation"
"$turnd" --control "$tmp/control" --undrain > "$tmp/out" 2>&1 || fail "undrain: $(cat "$tmp/out")"
"$talk" udp $server:3478 $peer alice secret > "$tmp/ask" 2>&1 || fail "$(cat "$tmp/ask")"
"$turnd" --control "$tmp/control" --drain > "$tmp/out" 2>&1 || fail "drain: $(cat "$tmp/out")"
wait $steady || fail "$(cat "$tmp/steady")"
[ "$failed" = 0 ] || kill -s TERM "$pid" # it would wait for ever
wait "$pid" || fail "it ended with $?"
grep -q 'nobody is left' "$tmp/log" || fail "it did not end by itself: $(cat "$tmp/log")"
exit "$failed"
