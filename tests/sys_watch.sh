#!/bin/bash
# natprobe watch behind natlab's NATs: it tells what changes, and nothing else; its lines of JSON are
# reports, and its metrics those of the last run.
set -u

builddir=$(cd "${builddir:-.}" && pwd)
natlab=$builddir/tests/natlab/natlab
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PATH=$builddir/natprobe:$builddir/stund:$builddir/tests/natlab:$PATH
# Leaks are looked for by tracing oneself, which a sandbox may refuse.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
unset NATPROBE_SERVER NO_COLOR
failed=0

fail() {
	echo "FAIL: $*"
	failed=1
}

command -v jq > /dev/null || {
	echo "skipped: jq is not installed"
	exit 77
}

# behind PROFILE COMMAND: a shell command behind that NAT; its output is in $tmp/out.
behind() {
	timeout 150 "$natlab" run --dir "$tmp/lab" "$1" -- sh -c "$2" > "$tmp/out" 2> "$tmp/err"
	status=$?
	if [ "$status" = 125 ]; then
		echo "skipped: $(cat "$tmp/err")"
		exit 77
	fi
	[ "$status" = 0 ] || fail "$2 ended with $status: $(cat "$tmp/out" "$tmp/err")"
}

lines() {
	grep -c '' "$1"
}

# A network that stays as it is: one line at first, and then silence.
behind home-router "natprobe watch --every 1s -n 3 --log $tmp/log --prom $tmp/prom"
[ "$(lines "$tmp/out")" = 2 ] || fail "more than was found at first: $(cat "$tmp/out")"
[ "$(lines "$tmp/log")" = 3 ] || fail "$(lines "$tmp/log") reports instead of three"
grep -q '^natprobe_runs_total 3$' "$tmp/prom" || fail "not three runs: $(cat "$tmp/prom")"
grep -q '^natprobe_changes_total 0$' "$tmp/prom" || fail "changes: $(cat "$tmp/prom")"
grep -q 'property="mapping",value="endpoint-independent"} 1$' "$tmp/prom" ||
	fail "no mapping: $(cat "$tmp/prom")"
jq -e '.time | fromdate > 0' "$tmp/log" > /dev/null || fail "no time in the log"
head -1 "$tmp/log" > "$tmp/one"
"$builddir/natprobe/natprobe" show --quiet "$tmp/one" | grep -q endpoint-independent ||
	fail "a line of the log cannot be shown"

# The NAT gets another address when the second run is over; it is told, and once. The watch is ended
# by SIGTERM, as a service is.
# shellcheck disable=SC2016  # expanded behind the NAT
behind home-router 'log='"$tmp/changing"'
	natprobe watch --every 1s --log $log & pid=$!
	runs() { while [ "$(cat $log 2> /dev/null | grep -c .)" -lt "$1" ]; do sleep 0.02; done; }
	runs 2; natlab event nat new-address > /dev/null; runs 5; kill $pid; wait $pid'
[ "$(grep -c 'mapped: .* -> ' "$tmp/out")" = 1 ] || fail "not one change: $(cat "$tmp/out")"
[ "$(grep -c '^20' "$tmp/out")" = 2 ] || fail "not two times: $(cat "$tmp/out")"

# Public servers are not to be asked every second.
"$builddir/natprobe/natprobe" watch --every 1s > "$tmp/out" 2> "$tmp/err"
[ $? = 2 ] || fail "every second, and yet it began: $(cat "$tmp/out")"
grep -q 'name a --server' "$tmp/err" || fail "no remedy: $(cat "$tmp/err")"

exit $failed
