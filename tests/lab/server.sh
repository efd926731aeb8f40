# shellcheck shell=bash
# shellcheck disable=SC2154	# tmp and daemon are of those who source it
#
# server.sh - a server under test: how it starts, what it logs, how it ends. Source it behind lab.sh.
#
#	daemon=("$turnd")          # the command, with options that are always given
#	tmp=$(mktemp -d)
#	start --config "$tmp/conf" # once it is ready: $pid is its pid, $tmp/log its log
#	logs 'listen: .* for UDP'
#	stop TERM 0
#	ends 2 'unknown option' --listn=127.0.0.1

pid=

# start OPTION...
start() {
	: > "$tmp/log" # the one before said ready, too
	"${daemon[@]}" "$@" > "$tmp/out" 2> "$tmp/log" &
	pid=$!
	await ' ready' || fail "${daemon[0]##*/} $* is not ready: $(cat "$tmp/log")"
}

# await PATTERN: until the log says so; fails after half a minute.
await() {
	for _ in $(seq 600); do
		grep -q -- "$1" "$tmp/log" && return
		sleep 0.05
	done
	return 1
}

logs() {
	await "$1" || fail "no \"$1\" in the log: $(cat "$tmp/log")"
}

# stop SIGNAL STATUS
stop() {
	local got

	kill -s "$1" "$pid"
	wait "$pid"
	got=$?
	[ "$got" = "$2" ] || fail "after SIG$1 it ended with $got: $(cat "$tmp/log")"
}

# ends STATUS PATTERN OPTION...: it ends at once, and says why in $tmp/err.
ends() {
	local want=$1 pattern=$2 got

	shift 2
	timeout 30 "${daemon[@]}" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null
	got=$?
	[ "$got" = "$want" ] ||
		fail "${daemon[0]##*/} $* ended with $got, not $want: $(cat "$tmp/err")"
	[ -n "$pattern" ] || return
	grep -q -- "$pattern" "$tmp/err" ||
		fail "${daemon[0]##*/} $*: no \"$pattern\" in: $(cat "$tmp/err")"
}
