#!/bin/bash
# natprobe punch --ntp: two real programs behind NATs of natlab know their clocks better by time servers
# than by a rendezvous that is far.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"

src=$(cd "${srcdir:-.}" && pwd)
bin=$(cd "${builddir:-.}" && pwd)
natlab=$bin/tests/natlab/natlab
natprobe=$bin/natprobe/natprobe
lab_need jq python3
for tool in "$natlab" "$natprobe" "$bin/stund/stund"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset NATPROBE_SERVER NATPROBE_RENDEZVOUS NATPROBE_CODE
export natprobe src

declare -A jobs=()
# story NAME PROFILE-AND-OPTIONS... -- COMMAND-A -- COMMAND-B: in the background, in a folder of its own.
story() {
	local name=$1

	shift
	mkdir "$tmp/$name"
	(
		cd "$tmp/$name" || exit 1
		NATLAB_DIR=$tmp/$name/lab XDG_STATE_HOME=$tmp/$name/state \
			timeout 80 "$natlab" pair "$@" > out 2> err
		echo $? > status
	) &
	jobs[$name]=$!
}

ended() {
	wait "${jobs[$1]}"
	[ "$(cat "$tmp/$1/status")" = "$2" ] ||
		fail "$1 ended with $(cat "$tmp/$1/status"), not $2: $(tail -n 20 "$tmp/$1"/{out,err})"
}

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
