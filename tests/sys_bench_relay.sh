#!/bin/bash
# The benchmark of turnd runs, every packet is right, and it prints JSON that says so. It asserts no
# speed: that is for a quiet machine and --assert.
set -u

bench=${builddir:-.}/tests/bench/bench_relay
command -v jq > /dev/null || { echo "SKIP: no jq"; exit 77; }
[ -x "$bench" ] || { echo "SKIP: not built on this system"; exit 77; }
[ -r /proc/self/schedstat ] || { echo "SKIP: the kernel has no schedstat"; exit 77; }
coturn=$(command -v turnserver) || { echo "SKIP: no coturn (turnserver)"; exit 77; }

out=$("$bench" --turnd="${builddir:-.}/turnd/turnd" --coturn="$coturn" --rounds=2 --round-ms=50 --many=100 \
	--held=100 --cycles=200) || { echo "FAIL: exit $?: $out"; exit 1; }
jq -e '.bench == "relay" and (.tests | length) == 5
	and all(.tests[]; (.servers | length) >= 2)
	and all(.tests[].servers[]; .cpu_ns > 0 and .wrong == 0)
	and all(.memory[]; .bytes_per_allocation > 0)' <<< "$out" > /dev/null ||
	{ echo "FAIL: $out"; exit 1; }
"$bench" --help | grep -q '^usage: ' || { echo "FAIL: --help"; exit 1; }
"$bench" --few=20 --many=10 2> /dev/null
[ $? -eq 2 ] || { echo "FAIL: more few than many are not a usage error"; exit 1; }
"$bench" --turnd= --coturn=/nonexistent --rounds=1 --round-ms=10 > /dev/null 2>&1
[ $? -eq 2 ] || { echo "FAIL: a server that does not run goes unnoticed"; exit 1; }
