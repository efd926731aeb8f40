#!/bin/bash
# The codec's benchmark runs, counts no allocation, and prints JSON that says so.
set -u

bench=${builddir:-.}/tests/bench/bench_codec
command -v jq >/dev/null || { echo "SKIP: no jq"; exit 77; }

out=$("$bench" --rounds 1 --round-ms 1) || { echo "FAIL: exit $?: $out"; exit 1; }
jq -e '.bench == "codec" and (.results | length) >= 8
	and all(.results[]; .ns > 0 and (.allocations // 0) == 0)' <<<"$out" >/dev/null ||
	{ echo "FAIL: $out"; exit 1; }
"$bench" --help | grep -q '^usage: ' || { echo "FAIL: --help"; exit 1; }
"$bench" --rounds 0 2>/dev/null
[ $? -eq 2 ] || { echo "FAIL: --rounds 0 is not a usage error"; exit 1; }
