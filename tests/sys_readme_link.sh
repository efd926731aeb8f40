#!/bin/bash
# What README.md shows of a path in use, done again in natlab: files, with a question and once more,
# a pipe, a port, and programs that attach; the same words, whatever the numbers are.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin script socat tar
lab_need_sctp "$natprobe"
readme=$src/README.md
PATH=$bin/tests/natlab:$bin/natprobe:$bin/stund:$PATH
cd "$tmp" || exit 1

# masked: numbers alike, colours, progress, and spaces at the end away. The router there maps ports for who
# asks: on a busy machine that path may be found first.
masked() {
	tr '\r' '\n' | sed -E -e 's/\x1b\[[0-9;]*[mK]//g' -e '/^natprobe: (waiting,|[0-9.]+ [kM]?B of) /d' \
		-e '/^Waiting for the other side/d' -e 's/[0-9]+(\.[0-9]+)?/N/g' -e 's/(N\.)+N/N/g' \
		-e 's/(path is there( again)?: )(direct|port-mapping),/\1direct,/' \
		-e 's/ [kM]?B/ B/g' -e 's/ +/ /g' -e 's/^ //' -e 's/ $//' | grep .
}

# shown COMMAND [TIME]: what stands behind the prompt and that command, the TIMEth of them, until the next
# one or the end of the block.
shown() {
	awk -v command="$1" -v wanted="${2:-1}" '
		/^[a-z]* *\$ / { sub(/^[a-z]* *\$ +/, ""); on = $0 == command && ++count == wanted; next }
		/^```/ { on = 0 }
		on' < "$readme"
}

# same COMMAND FILE [TIME]: what the page shows is what came.
same() {
	[ -n "$(shown "$1" "${3:-1}")" ] || fail "README.md does not show: $1"
	diff <(shown "$1" "${3:-1}" | masked) <(masked < "$2") || fail "$1: < is in README.md, > is true"
}

# command WORDS: the command of a prompt that begins so.
command_of() {
	grep -E '^[a-z]+ +\$ ' "$readme" | sed -E 's/^[a-z]+ +\$ +//' | grep -F -- "$1" | head -n 1
}

# pair FOLDER COMMANDS COMMANDS: home and mobile, each a shell, in that folder.
pair() {
	mkdir -p "$1" && cd "$1" || return
	NATLAB_DIR=$tmp/$1/lab timeout "$story_limit_s" natlab pair home-router cgn-block --delay 10ms -- \
		"bash -c '. $tmp/side; $2'" -- "bash -c '. $tmp/side; $3'" > log 2>&1
	echo $? > status
}

ended() {
	[ "$(cat "$1/status")" = 0 ] || fail "$1 ended with $(cat "$1/status"): $(tail "$1"/*)"
}

send=$(command_of 'natprobe send')
receive=$(command_of 'natprobe receive')
to=$(command_of 'natprobe forward my-own-long-code 8')
from=$(command_of 'natprobe forward my-own-long-code --')
server=$(command_of 'accept upper')
client=$(command_of 'connect upper')
export send receive to from server client
tar_of='^ *tar c photos [|] (natprobe pipe) CODE .*'
here=$(sed -nE "s/$tar_of/\1/p" "$readme")
[ -n "$here" ] || fail "README.md does not show a pipe of tar"

# await COMMAND...: until it succeeds, 40 s at most.
cat > side << 'SIDE'
await() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" 2> /dev/null && return
		sleep 0.1
	done
	echo "not in time: $*"
	return 1
}
SIDE

mkdir -p files/photos files/incoming
seq 20000 > files/photos/a
head -c 500000 /dev/urandom > files/photos/b
head -c 3000000 /dev/urandom > files/disk.iso

# shellcheck disable=SC2016	# the shells inside expand these
{
	pair files '$send > home 2>&1; $send > home-again 2>&1
		tar c photos | natprobe pipe my-own-long-code > nothing' \
		'(await grep -q Take mobile; echo y; await test -e over) | script -qec "$receive" /dev/null > mobile
		touch over; $receive --yes > mobile-again 2>&1
		mkdir tar; natprobe pipe my-own-long-code < /dev/null | tar x -C tar' &
	pair port '$to > home 2>&1 & pid=$!; await grep -q there home
		socat -t 9 -u TCP:127.0.0.1:8080 - > page; cp mobile mobile-then; kill $pid; wait $pid; touch over' \
		'socat TCP-LISTEN:8000,bind=127.0.0.1,reuseaddr,fork SYSTEM:"echo a page" & web=$!
		$from > mobile 2>&1 & pid=$!; await test -e over; kill $pid $web; wait $pid; true' &
	pair attached 'export XDG_RUNTIME_DIR=$PWD/a; mkdir -m 700 a
		natprobe link my-own-long-code > home & pid=$!; await grep -q there home
		bash -c "$client" > answer; kill $pid; wait $pid' \
		'export XDG_RUNTIME_DIR=$PWD/b; mkdir -m 700 b
		natprobe link my-own-long-code > mobile & pid=$!; await grep -q there mobile
		bash -c "$server"; await grep -q away mobile; kill $pid; wait $pid' &
	wait
}

echo "# files, with a question, and again"
ended files
same "$send" files/home
same "$receive" files/mobile
same "$send" files/home-again 2
{ diff -r files/photos files/incoming/photos && cmp files/disk.iso files/incoming/disk.iso; } ||
	fail "other files came"

echo "# tar through a pipe"
diff -r files/photos files/tar/photos || fail "another directory came out of tar"

echo "# a port"
ended port
same "$to" port/home
same "$from" port/mobile-then
[ "$(cat port/page)" = 'a page' ] || fail "the port leads to: $(cat port/page)"

echo "# programs that attach"
ended attached
same "$client" attached/answer
exit "$failed"
