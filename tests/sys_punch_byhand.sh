#!/bin/bash
# natprobe punch --offer and --answer: two real programs behind NATs of natlab, no rendezvous at all;
# two pipes carry the tokens, as people would, and not at once.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"

bin=$(cd "${builddir:-.}" && pwd)
natlab=$bin/tests/natlab/natlab
natprobe=$bin/natprobe/natprobe
lab_need jq
for tool in "$natlab" "$natprobe" "$bin/stund/stund"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset NATPROBE_SERVER NATPROBE_RENDEZVOUS NATPROBE_CODE
export natprobe

declare -A jobs=()
# story NAME PROFILE-AND-OPTIONS... -- COMMAND-A -- COMMAND-B: in the background, in a folder of its
# own with two pipes; what both print is in out and err there, their status in status.
story() {
	local name=$1

	shift
	mkdir "$tmp/$name"
	mkfifo "$tmp/$name/offer" "$tmp/$name/answer"
	(
		cd "$tmp/$name" || exit 1
		NATLAB_DIR=$tmp/$name/lab XDG_STATE_HOME=$tmp/$name/state \
			timeout 50 "$natlab" pair "$@" > out 2> err
		echo $? > status
	) &
	jobs[$name]=$!
}

ended() {
	wait "${jobs[$1]}"
	[ "$(cat "$tmp/$1/status")" = "$2" ] ||
		fail "$1 ended with $(cat "$tmp/$1/status"), not $2: $(tail -n 20 "$tmp/$1"/{out,err,a.err,b.err})"
}

# The token is the last line that --json leaves on standard error. The answer takes a while, and
# comes with its lines broken.
# shellcheck disable=SC2016	# the shells inside expand these
{
offers='exec 3<> answer
	$natprobe punch --offer --json > a.json 2> a.err < answer & pid=$!
	until token=$(grep "^natkit:" a.err); do sleep 0.1; done
	echo "$token" > offer; wait $pid'
answers='token=$(cat offer)
	$natprobe punch --answer "$token" --json > b.json 2> b.err & pid=$!
	until token=$(grep "^natkit-answer:" b.err); do
		kill -0 $pid 2> kill || break; sleep 0.1
	done
	sleep 3; echo "$token" | fold -w 60 > answer; wait $pid'
story easy home-router full-cone -- "$offers" -- "$answers"
story early home-router home-router -- "$offers" -- "$answers"
# Whoever waits for the offering side to begin must not get as far as its NAT.
if "$natlab" run K1 -- true > "$tmp/k1" 2>&1; then
	story linux K1 home-router --pcp off --nat-pmp off -- "$offers" -- "$answers"
else
	echo "not checked: K1: $(cat "$tmp/k1")"
fi
# Of the other side nothing is known yet.
story blocked udp-blocked home-router -- \
	'$natprobe punch --offer --json > a.json 2> a.err; echo $? > a.status' -- true
# Our mapping is another one for each peer: no port can be told beforehand, but theirs takes anybody.
story hard full-cone cgn-block -- "$offers" -- "$answers"
# Nothing does: the one who answers says why, and prints no answer.
story both symmetric-random symmetric-random -- \
	'exec 3<> answer
	$natprobe punch --offer > a.out 2> a.err < answer & pid=$!
	until token=$(grep "^natkit:" a.out); do sleep 0.1; done
	echo "no answer" > answer; echo "$token" | fold -w 50 > offer
	until [ -s b.status ]; do sleep 0.1; done
	kill -INT $pid; wait $pid; echo $? > a.status' -- \
	'$natprobe punch --answer - < offer > b.out 2> b.err; echo $? > b.status'
}

for name in easy early hard ${jobs[linux]:+linux}; do
	ended "$name" 0
	jq -es '.[0].trials[0] as $a | .[1].trials[0] as $b | .[0].id == .[1].id and
		$a.strategy == $b.strategy and $a.strategy != "none" and .[0].carrier == "hand" and
		$a.path.outer == $b.path.remote and $b.path.outer == $a.path.remote' \
		"$tmp/$name/a.json" "$tmp/$name/b.json" > /dev/null ||
		fail "$name: $(cat "$tmp/$name"/{a.json,b.json,a.err,b.err})"
done

ended blocked 0
jq -e '.trials[0].overall | .reason == "udp-blocked" and .side == "ours"' "$tmp/blocked/a.json" > \
	/dev/null || fail "blocked: $(cat "$tmp"/blocked/a.{status,json,err})"

ended both 0
[ "$(cat "$tmp/both/a.status" "$tmp/both/b.status" | xargs)" = "4 1" ] ||
	fail "both hard: $(cat "$tmp"/both/*.status "$tmp"/both/*.err)"
grep -q 'is no answer' "$tmp/both/a.err" || fail "not an answer: $(cat "$tmp/both/a.err")"
! grep -q natkit-answer "$tmp/both/b.out" || fail "it answers, though it knows that it is of no use"
grep -qi 'port\|mapping' "$tmp/both/b.out" || fail "no reason: $(cat "$tmp/both/b.out")"

# --- mistakes ---
# says WORDS ARGUMENT...
says() {
	local words=$1 got

	shift
	"$natprobe" punch "$@" > "$tmp/said" 2>&1 < /dev/null
	got=$?
	[ "$got" = 2 ] || fail "natprobe punch $* ended with $got: $(cat "$tmp/said")"
	grep -q -- "$words" "$tmp/said" || fail "natprobe punch $* says: $(cat "$tmp/said")"
}
offer=$(grep '^natkit:' "$tmp/both/a.out")
says 'choose one' --offer --accept
says 'one trial' --offer --trials 2
says 'no code' --offer 12-abbey-abbey-abbey
says 'missing or mistyped' --answer "${offer%??}"
says 'by hand' "$offer"
says 'does not go by hand' --answer "$offer" --strategy birthday
exit "$failed"
