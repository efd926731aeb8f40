#!/bin/bash
# natprobe punch --offer and --answer: two real programs behind NATs of natlab, no rendezvous at all;
# two pipes carry the tokens, as people would, and not at once.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin jq

# by_hand NAME ...: a story with two pipes.
by_hand() {
	mkdir "$tmp/$1"
	mkfifo "$tmp/$1/offer" "$tmp/$1/answer"
	story "$@"
}

# The token is the last line that --json leaves on standard error. The answer takes a while, and
# comes with its lines broken.
# shellcheck disable=SC2016	# the shells inside expand these
{
offers='exec 3<> answer
	$natprobe punch --offer --json > a.json 2> a.err < answer & pid=$!
	. "$side"; token natkit: a.err $pid > offer; wait $pid'
answers='token=$(cat offer)
	$natprobe punch --answer "$token" --json > b.json 2> b.err & pid=$!
	. "$side"; token natkit-answer: b.err $pid > token; sleep 3; fold -w 60 token > answer; wait $pid'
by_hand easy home-router full-cone -- "$offers" -- "$answers"
by_hand early home-router home-router -- "$offers" -- "$answers"
# Whoever waits for the offering side to begin must not get as far as its NAT.
if "$natlab" run K1 -- true > "$tmp/k1" 2>&1; then
	by_hand linux K1 home-router --pcp off --nat-pmp off -- "$offers" -- "$answers"
else
	echo "not checked: K1: $(cat "$tmp/k1")"
fi
# Of the other side nothing is known yet.
by_hand blocked udp-blocked home-router -- \
	'$natprobe punch --offer --json > a.json 2> a.err; echo $? > a.status' -- true
# Our mapping is another one for each peer: no port can be told beforehand, but theirs takes anybody.
by_hand hard full-cone cgn-block -- "$offers" -- "$answers"
# Nothing does: the one who answers says why, and prints no answer.
by_hand both symmetric-random symmetric-random -- \
	'exec 3<> answer
	$natprobe punch --offer > a.out 2> a.err < answer & pid=$!
	. "$side"; token natkit: a.out $pid > token
	echo "no answer" > answer; fold -w 50 token > offer
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
offer=$(grep '^natkit:' "$tmp/both/a.out")
says 2 'choose one' punch --offer --accept
says 2 'one trial' punch --offer --trials 2
says 2 'no code' punch --offer 12-abbey-abbey-abbey
says 2 'missing or mistyped' punch --answer "${offer%??}"
says 2 'by hand' punch "$offer"
says 2 'does not go by hand' punch --answer "$offer" --strategy birthday
exit "$failed"
