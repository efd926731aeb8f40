#!/bin/bash
# What README.md shows of meeting and punching, done again in natlab: the same words, whatever the
# numbers are; and its program that gets a path.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin script socat
readme=$src/README.md
PATH=$bin/tests/natlab:$bin/natprobe:$bin/stund:$PATH
cd "$tmp" || exit 1

# masked: codes and numbers alike, colours and spaces at the end away.
masked() {
	tr -d '\r' | sed -E -e '/^Waiting for the other side/d' -e 's/\x1b\[[0-9;]*m//g' -e 's/[0-9]+-[a-z]+-[a-z]+-[a-z]+/CODE/g' \
		-e 's/[0-9]+(\.[0-9]+)?/N/g' -e 's/(N\.)+N/N/g' -e 's/ +/ /g' -e 's/ $//'
}

# shown COMMAND: what stands behind the prompt and that command, until the next one or the end of the
# block; without empty lines.
shown() {
	awk -v command="$1" '/^[a-z]* *\$ / { sub(/^[a-z]* *\$ +/, ""); on = $0 == command; next }
		/^```/ { on = 0 }
		on' < "$readme" | sed -E 's/^ *//' | grep .
}

# same COMMAND FILE: what the page shows is what came.
same() {
	[ -n "$(shown "$1")" ] || fail "README.md does not show: $1"
	diff <(shown "$1" | masked) <(masked < "$2" | sed -E 's/^ *//' | grep .) ||
		fail "$1: < is in README.md, > is true"
}

# pair FOLDER PROFILE PROFILE COMMANDS COMMANDS: each side a shell, in that folder.
pair() {
	mkdir "$1" && cd "$1" || return
	NATLAB_DIR=$tmp/$1/lab timeout "$story_limit_s" natlab pair "$2" "$3" -- sh -c "$4" -- sh -c "$5" > log 2>&1
	echo $? > status
}

# ended FOLDER STATUS
ended() {
	[ "$(cat "$1/status")" = "$2" ] || fail "$1 ended with $(cat "$1/status"): $(tail "$1"/log)"
}

# says_until WHO WHOM PROGRAM: the commands of one side, who talks until the other one has been heard.
says_until() {
	echo "touch $1; { until grep -aq 'hello from $2' $1; do echo hello from $1; sleep 0.2; done
		for i in 1 2 3 4 5; do echo hello from $1; sleep 0.2; done; } | timeout 30 $3 > $1"
}

# shellcheck disable=SC2016	# the shells inside expand these
{
	pair path sequential-cone cgn-symmetric \
		'natprobe --json > home.json; script -qec "natprobe punch" /dev/null > home' \
		'natprobe --json > mobile.json
		until grep -qE "^[0-9]+-" home 2> /dev/null; do sleep 0.1; done
		natprobe punch "$(grep -E "^[0-9]+-" home | tr -d "\r")" > mobile' &
	pair none symmetric-random symmetric-random \
		'natprobe punch my-own-long-code > a' 'natprobe punch my-own-long-code > b' &
	program=$(grep -oE 'natprobe connect my-own.*' "$readme")
	pair program sequential-cone cgn-symmetric "$(says_until home away "$program")" \
		"$(says_until away home "$program")" &
	wait
}

echo "# a code, and a path"
ended path 0
same 'natprobe punch' path/home
same "$(grep -oE 'natprobe punch [0-9]+-[a-z-]+$' "$readme" | head -n 1)" path/mobile

echo "# the plan of both"
# shellcheck disable=SC2094	# words of the command
(cd path && natprobe plan home.json mobile.json) > plan || fail "plan ended with $?"
same 'natprobe plan home.json mobile.json' plan

echo "# no path, and why"
ended none 1
same "$(grep -oE 'natprobe punch [0-9]+-[a-z-]+$' "$readme" | tail -n 1)" none/a

echo "# a program that has the path"
ended program 0
for side in home away; do
	grep -aq 'hello from' program/$side || fail "$side heard: $(tr -d "\0" < program/$side; cat program/log)"
done
exit "$failed"
