#!/bin/bash
# natprobe behind natlab's NATs: tests/expect/home.conf is met by the router that it describes, and
# missed, readably, by another one. What doc/ci-example.yml and README.md promise.
set -u

builddir=$(cd "${builddir:-.}" && pwd)
natlab=$builddir/tests/natlab/natlab
expect=${srcdir:-.}/tests/expect/home.conf
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PATH=$builddir/natprobe:$builddir/stund:$PATH
# Leaks are looked for by tracing oneself, which a sandbox may refuse; sys_expect.sh looks for them.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
unset NATPROBE_SERVER NO_COLOR
failed=0

fail() {
	echo "FAIL: $*"
	failed=1
}

# behind STATUS PROFILE ARGUMENT...: natprobe check behind that NAT.
behind() {
	local want=$1 got

	timeout 150 "$natlab" run "$2" -- natprobe check "${@:3}" > "$tmp/out" 2> "$tmp/err"
	got=$?
	if [ "$got" = 125 ]; then
		echo "skipped: $(cat "$tmp/err")"
		exit 77
	fi
	[ "$got" = "$want" ] ||
		fail "behind $2 natprobe ${*:3} ended with $got, not $want: $(cat "$tmp/out" "$tmp/err")"
}

prints() {
	grep -q -- "$1" "$tmp/out" || fail "no \"$1\" in: $(cat "$tmp/out")"
}

if [ ! -x "$natlab" ]; then
	echo "skipped: natlab is not built"
	exit 77
fi

echo "# as expected"
behind 0 home-router --expect "$expect"
prints 'as expected, [0-9]* of [0-9]* met$'

echo "# another router"
behind 1 symmetric-random --expect "$expect"
prints 'missed  eth0 ipv4: mapping$'
prints 'expected  = endpoint-independent  (.*home.conf:[0-9]*)$'
prints 'got       address-and-port-dependent$'
prints 'missed  eth0 ipv4: delta.type$'

echo "# what one router was, the same one is again, and another one is not"
behind 0 home-router --save "$tmp/saved.conf" --json
mv "$tmp/out" "$tmp/before.json"
behind 0 home-router --expect "$tmp/saved.conf" --json
mv "$tmp/out" "$tmp/again.json"
natprobe diff "$tmp/before.json" "$tmp/again.json" > "$tmp/out" ||
	fail "the same router differs: $(cat "$tmp/out")"
behind 1 no-hairpin --expect "$tmp/saved.conf" --json
mv "$tmp/out" "$tmp/after.json"
natprobe diff "$tmp/before.json" "$tmp/after.json" > "$tmp/out"
[ $? = 1 ] || fail "a router without hairpinning does not differ: $(cat "$tmp/out")"
prints '^eth0 ipv4: hairpin: external-source -> no$'

[ "$failed" = 0 ] && echo ok
exit "$failed"
