#!/bin/bash
# natprobe punch, connect and demo on a host with nobody else: what is wrong is told before a code is
# made, a code that others may read is refused, and a rendezvous that refuses is given up soon.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"

natprobe=$(cd "${builddir:-.}" && pwd)/natprobe/natprobe
[ -x "$natprobe" ] || lab_skip "$natprobe is not built"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset NATPROBE_SERVER NATPROBE_RENDEZVOUS NATPROBE_CODE

# refuses STATUS TEXT ARGUMENT...: so ends natprobe, with TEXT in what it says, and without a code.
refuses() {
	local expected=$1 text=$2 status

	shift 2
	timeout 90 "$natprobe" "$@" < /dev/null > "$tmp/out" 2> "$tmp/err"
	status=$?
	[ "$status" = "$expected" ] || fail "$*: ends with $status"
	grep -qF -- "$text" "$tmp/err" || fail "$*: says $(cat "$tmp/err")"
	! cat "$tmp/out" "$tmp/err" | grep -qE '^[0-9]+(-[a-z]+){3}' || fail "$*: makes a code"
}

# --- all options are judged before there is a code ---
for command in punch connect; do
	rest=()
	[ $command = punch ] || rest=(-- cat)
	refuses 2 'the port is missing' $command --turn foo: "${rest[@]}"
	refuses 2 'name one' $command --user ann "${rest[@]}"
	refuses 2 '--ntp' $command --ntp 'a b' "${rest[@]}"
	refuses 2 'the port is missing' $command --turn foo: --code-file "$tmp/none" "${rest[@]}"
done
refuses 2 'the port is missing' demo --turn foo:
[ ! -e "$tmp/none" ] || fail "a code was made, in a file"

# --- a code is a secret; what is in these is too short for one ---
echo code > "$tmp/code"
for mode in 644 640 604 620; do
	chmod $mode "$tmp/code"
	refuses 2 'others may read this code' punch --code-file "$tmp/code"
	refuses 2 'others may read this code' connect --code-file "$tmp/code" -- cat
done
chmod 600 "$tmp/code"
refuses 2 'the code is too short' punch --code-file "$tmp/code"
refuses 2 'the code is too short' punch --code-file <(echo code)
echo code | "$natprobe" punch --code-file - 2>&1 | grep -qF 'the code is too short' ||
	fail "standard input is no file"
refuses 3 'no rendezvous' punch --code-file "$tmp/new" -4 -i lo -s 127.0.0.1:1 -r http://127.0.0.1:1/
[ "$(stat -c %a "$tmp/new")" = 600 ] || fail "a new code: $(stat -c %a "$tmp/new")"

# --- nobody will come: it says so long before 20 s are over ---
before=$SECONDS
refuses 3 'is it running' punch own-secret-code -4 -i lo -s 127.0.0.1:1 \
	-r http://127.0.0.1:1/ -r http://127.0.0.1:2/
took=$((SECONDS - before))
[ $took -le 10 ] || fail "a rendezvous that refuses is tried for $took s"
exit "$failed"
