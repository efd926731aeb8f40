#!/bin/bash
# natprobe matrix over files of natprobe punch --json: both documents are as their schemas say, each
# trial counts once, and no address is in the table.
set -u

srcdir=${srcdir:-.}
natprobe=${builddir:-.}/natprobe/natprobe
show=${builddir:-.}/tests/trial_show
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

fail() {
	echo "FAIL: $*"
	exit 1
}

# fits SCHEMA FILE
fits() {
	python3 -c 'import jsonschema' 2> /dev/null || return 0
	python3 - "$srcdir/doc/$1" "$2" << 'END' || fail "$2 is not as $1 says"
import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
def closed(o):
    """What the schema does not name must not be there either."""
    if isinstance(o, dict):
        if "properties" in o and "additionalProperties" not in o:
            o["additionalProperties"] = False
        for v in o.values():
            closed(v)
closed(schema)
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(json.load(open(sys.argv[2])))
END
}

# ends CODE ARGUMENTS...: natprobe matrix ends with it
ends() {
	local want=$1 got

	shift
	"$natprobe" matrix "$@" > "$tmp/out" 2> "$tmp/err"
	got=$?
	[ "$got" -eq "$want" ] || fail "matrix $*: ended with $got and not with $want: $(cat "$tmp/err")"
}

if ! [ -x "$natprobe" ] || ! [ -x "$show" ]; then
	echo "skipped: natprobe is not built"
	exit 77
fi

"$show" a "$tmp/a.html" > "$tmp/a.json" || fail "no document of side A"
"$show" b > "$tmp/b.json" || fail "no document of side B"
fits natprobe-punch.schema.json "$tmp/a.json"
fits natprobe-punch.schema.json "$tmp/b.json"
grep -q '</html>' "$tmp/a.html" || fail "no page"

ends 0 --json --html "$tmp/matrix.html" "$tmp/a.json" "$tmp/b.json" "$tmp/a.json"
fits natprobe-matrix.schema.json "$tmp/out"
grep -q '"trials": 4,' "$tmp/out" || fail "trials were not counted once"
grep -q '"repeated": 8,' "$tmp/out" || fail "repeated trials were not found"
grep -qE '192\.168|21\.0\.0' "$tmp/out" "$tmp/matrix.html" && fail "an address is in the table"

ends 0 - < "$tmp/b.json"
grep -q '2/4, relay 1' "$tmp/out" || fail "no cell in: $(cat "$tmp/out")"
grep -q 'random, IPv6 firewalled' "$tmp/out" || fail "no network in: $(cat "$tmp/out")"

ends 2
ends 2 - -
ends 2 --html=- "$tmp/a.json"
ends 2 "$tmp/missing"
ends 2 "$srcdir/doc/natprobe-punch.schema.json"
grep -q 'command' "$tmp/err" || fail "no reason in: $(cat "$tmp/err")"
ends 0 --help
echo "natprobe matrix counts each trial once and shows nobody's address"
