#!/bin/bash
# natprobe punch --ntp: two real programs behind NATs of natlab know their clocks better by time servers
# than by a rendezvous that is far.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin jq python3

# shellcheck disable=SC2016	# the shells inside expand these
{
story clock home-router home-router -- \
	'python3 "$src/tests/time_server.py" 1123 & server=$!; sleep 1.2
	$natprobe punch --json --trials 2 --code-file code --ntp 127.0.0.1:1123 > a.json; kill $server' -- \
	'python3 "$src/tests/time_server.py" 1123 & server=$!; sleep 1.2
	$natprobe punch --json --trials 2 --code-file code --ntp 127.0.0.1:1123 > b.json; kill $server'
}

# The first trial may be over before the server has told.
ended clock 0
jq -es 'all(.[].trials[1]; .skew_error_ms < 2)' "$tmp/clock/a.json" "$tmp/clock/b.json" > /dev/null ||
	fail "clock: $(jq -c '.trials[1] | [.skew_ms, .skew_error_ms]' "$tmp/clock/a.json" "$tmp/clock/b.json")"
exit "$failed"
