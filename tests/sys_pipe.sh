#!/bin/bash
# natprobe pipe: a directory over a path that loses packets, each direction to its own end, readers that
# leave, and a link that was there before and of which the programs come one after the other.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin tar
lab_need_sctp "$natprobe"
PATH=$bin/natprobe:$PATH

# came NAME: it has ended well; what follows is about its folder.
came() {
	ended "$1" 0
	cd "$tmp/$1" || exit 1
}

mkdir -p "$tmp/tar/original"
head -c 2000000 /dev/urandom > "$tmp/tar/original/random"
seq 100000 > "$tmp/tar/original/numbers"
: > "$tmp/tar/original/nothing"

# shellcheck disable=SC2016	# the shells inside expand these
{
# 40 ms there and back.
story tar home-router cgn-block --loss 1% --delay 20ms -- \
	'tar c original | natprobe pipe --code-file code > nothing' -- \
	'mkdir copy && natprobe pipe --code-file code < /dev/null | tar x -C copy'

story half home-router home-router -- \
	'echo question | natprobe pipe --quiet --code-file code > answer' -- \
	'mkfifo in; natprobe pipe --json --code-file code < in > question 2> events & pid=$!
	exec 3> in; until [ -s question ]; do sleep 0.05; done
	sleep 0.3; echo answer >&3; exec 3>&-; wait $pid'

# What its reader does not want any more.
story closed home-router open-internet -- \
	'yes | natprobe pipe --code-file code > nothing; echo $? > a' -- \
	'{ natprobe pipe --code-file code < /dev/null; echo $? > b; } | head -c 100000 > some
	until [ -s b ]; do sleep 0.05; done'

# Told to end in the middle.
story killed home-router home-router -- \
	'mkfifo in; yes > in & natprobe pipe --code-file code < in > nothing & pid=$!
	until [ -s got ]; do sleep 0.05; done; kill $pid; wait $pid; echo $? > a' -- \
	'natprobe pipe --code-file code < /dev/null > got; echo $? > b'

# Without a code one is made, and typed on the other side.
story made home-router open-internet -- \
	'export XDG_RUNTIME_DIR=$PWD; echo words | natprobe pipe --quiet 2> code' -- \
	'until [ -s code ]; do sleep 0.05; done; natprobe pipe --quiet "$(head -n 1 code)" < /dev/null > got'

# Through links that run; who sends is ready long before anybody reads.
story early home-router home-router -- \
	'export XDG_RUNTIME_DIR=$PWD/run-a; mkdir -m 700 run-a
	natprobe link --code-file code > link-a & link=$!
	until grep -q there link-a; do sleep 0.05; done
	seq 10000 | natprobe pipe > nothing; echo $? > a
	kill $link; wait $link; true' -- \
	'export XDG_RUNTIME_DIR=$PWD/run-b; mkdir -m 700 run-b
	natprobe link --code-file code > link-b & link=$!
	until grep -q there link-b; do sleep 0.05; done
	sleep 0.7; natprobe pipe < /dev/null > got; echo $? > b
	until [ -s a ]; do sleep 0.05; done
	kill $link; wait $link; true'
}

XDG_RUNTIME_DIR=$tmp natprobe pipe --quiet --name none < /dev/null 2> "$tmp/none"
is 2 $? "without a link of that name, and without a code"
grep -q 'natprobe link' "$tmp/none" || fail "no remedy: $(cat "$tmp/none")"
natprobe pipe - < /dev/null 2> "$tmp/dash"
is 2 $? "a code on the input that is carried"

came tar
diff -r original copy/original || fail "tar: another directory came out"
[ ! -s nothing ] || fail "tar: something came back"

came half
is question "$(cat question)" "half: the question"
is answer "$(cat answer)" "half: the answer behind the question's end"
grep -q '"event": *"end"' events || fail "half: no end in $(cat events)"

came closed
is 1 "$(cat b)" "closed: the side whose reader left"
is 1 "$(cat a)" "closed: the other side"
is 100000 "$(wc -c < some)" "closed: what the reader has"
grep -q 'on the other side' out err || fail "closed: not told: $(cat out err)"

came killed
is 1 "$(cat a)" "killed: the side that was"
is 1 "$(cat b)" "killed: the other side"
grep -q 'on the other side' out err || fail "killed: not told: $(cat out err)"

came made
is words "$(cat got)" "made: what came"

came early
is 0 "$(cat a)" "early: the sender"
is 0 "$(cat b)" "early: the reader"
seq 10000 | cmp - got || fail "early: something was lost"
exit "$failed"
