#!/bin/bash
# natprobe plan: two saved reports in, a plan out; what is no report is refused, with exit codes as
# doc/natprobe.1 has them.
set -u
natprobe=${builddir:-.}/natprobe/natprobe
reports=${srcdir:-.}/tests/corpus/report
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0

# exits STATUS ARGUMENT...: natprobe plan does; what it says is in $tmp/out and $tmp/err.
exits() {
	local expected=$1 rc
	shift
	"$natprobe" plan "$@" > "$tmp/out" 2> "$tmp/err"
	rc=$?
	[ "$rc" -eq "$expected" ] && return
	echo "FAIL: plan $*: exit $rc instead of $expected"
	cat "$tmp/err"
	failures=$((failures + 1))
}

# says FILE PATTERN: it stands in there.
says() {
	grep -q -- "$2" "$tmp/$1" && return
	echo "FAIL: no \"$2\" in:"
	cat "$tmp/$1"
	failures=$((failures + 1))
}

exits 0 "$reports/full.json" "$reports/deep.json"
says out 'simultaneous'
says out 'Without a relay it succeeds'
exits 0 --relay --json "$reports/full.json" - < "$reports/deep.json"
says out '"strategy": "relay"'
exits 0 --strategy birthday "$reports/full.json" "$reports/deep.json"
says out 'birthday'
exits 2 --strategy magic "$reports/full.json" "$reports/deep.json"
says err 'no such strategy'
exits 2 "$reports/full.json"
exits 2 - - < "$reports/full.json"
exits 2 "$reports/array" "$reports/full.json"
exits 4 "$reports/full.json" "$reports/controls"
exits 0 --help
says out '--strategy'
exit $((failures > 0))
