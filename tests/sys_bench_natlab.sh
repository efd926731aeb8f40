#!/bin/bash
# The benchmark of natlab runs, and prints JSON that says what it measured. It asserts no speed:
# that is for a quiet machine and --assert.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"

bench=${builddir:-.}/tests/bench/bench_natlab
natlab=${builddir:-.}/tests/natlab/natlab
stund=${builddir:-.}/stund/stund
lab_need jq
for tool in "$bench" "$natlab" "$stund"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"

out=$("$bench" --natlab="$natlab" --stund="$stund" --round-ms=100) || fail "exit $?: $out"
jq -e '.bench == "natlab" and .packets_per_s > 0 and .samples > 0 and .start_ms > 0
	and (.pass | type) == "boolean"' <<< "$out" > /dev/null || fail "$out"
"$bench" --help | grep -q '^usage: ' || fail "--help"
"$bench" --window=0 2> /dev/null
[ $? -eq 2 ] || fail "--window=0 is not a usage error"
exit "$failed"
