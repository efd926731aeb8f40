#!/bin/bash
# The benchmark of stund runs, every answer is right, and it prints JSON that says so. It
# asserts no speed: that is for a quiet machine and --assert.
set -u

bench=${builddir:-.}/tests/bench/bench_stund
stund=${builddir:-.}/stund/stund
coturn=$(command -v turnserver || true)
command -v jq >/dev/null || { echo "SKIP: no jq"; exit 77; }
[ -x "$bench" ] || { echo "SKIP: not built on this system"; exit 77; }
[ -r /proc/self/schedstat ] ||
	{ echo "SKIP: the kernel has no schedstat"; exit 77; }

out=$("$bench" --stund="$stund" --coturn="$coturn" --rounds=2 --round-ms=50) ||
	{ echo "FAIL: exit $?: $out"; exit 1; }
jq -e '.bench == "stund" and (.servers | length) >= 2 and .stund_to_floor > 0
	and all(.servers[]; .cpu_ns > 0 and .answers > 0 and .wrong == 0)' <<<"$out" >/dev/null ||
	{ echo "FAIL: $out"; exit 1; }
"$bench" --stund="$stund" --coturn= --rounds=1 --round-ms=20 --shared-cpu |
	jq -e '.own_cpu_for_load == false' >/dev/null || { echo "FAIL: --shared-cpu"; exit 1; }
"$bench" --help | grep -q '^usage: ' || { echo "FAIL: --help"; exit 1; }
"$bench" --window=0 2>/dev/null
[ $? -eq 2 ] || { echo "FAIL: a window of nothing is not a usage error"; exit 1; }
