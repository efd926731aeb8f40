#!/bin/bash
# The benchmarks of codec and data path run, count no allocation, and print JSON that says so.
set -u

command -v jq >/dev/null || { echo "SKIP: no jq"; exit 77; }

# judge NAME LEAST: with at least so many results.
judge() {
	local bench=${builddir:-.}/tests/bench/bench_$1 out

	out=$("$bench" --rounds 1 --round-ms 1) || { echo "FAIL: exit $?: $out"; exit 1; }
	jq -e --arg name "$1" --argjson least "$2" '.bench == $name and (.results | length) >= $least
		and all(.results[]; .ns > 0 and (.allocations // 0) == 0)' <<<"$out" >/dev/null ||
		{ echo "FAIL: $out"; exit 1; }
	"$bench" --help | grep -q '^usage: ' || { echo "FAIL: $1 --help"; exit 1; }
	"$bench" --rounds 0 2>/dev/null
	[ $? -eq 2 ] || { echo "FAIL: $1 --rounds 0 is not a usage error"; exit 1; }
}

judge codec 8
judge forward 6
