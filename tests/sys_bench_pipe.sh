#!/bin/bash
# The benchmark of pipes runs, and prints JSON that says what it measured. Speeds are for a quiet machine
# and --assert; here it is enough that a pipe is quicker than CUBIC where packets are lost.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"

bench=${srcdir:-.}/tests/bench/bench_pipe
natlab=${builddir:-.}/tests/natlab/natlab
lab_need jq iperf3
for tool in "$natlab" "${builddir:-.}/natprobe/natprobe" "${builddir:-.}/tests/bench/pipe_end"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
lab_need_sctp "${builddir:-.}/natprobe/natprobe"
why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for what in lossy keys volume; do
	"$bench" --only "$what" --rounds 1 --seconds 1 --keys 20 --bytes 4000000 \
		> "$tmp/$what" 2> "$tmp/$what.err" &
done
wait
# says TEST FILTER
says() {
	jq -e ".bench == \"pipe\" and (.pass | type) == \"boolean\" and (.tests | length) == 1
		and .tests[0].name == \"$1\" and (.tests[0] | $2)" "$tmp/$1" > /dev/null ||
		fail "$1: $(cat "$tmp/$1" "$tmp/$1.err")"
}
says lossy '.pipe_mbit > 0 and all(.tcp[]; .mbit > 0 and (.control == "bbr" or .ratio > 1))'
says keys '.keys == 20 and .p50_ms >= 20'
says volume '.bytes == 4000000 and .pass'
"$bench" --help | grep -q '^bench_pipe - ' || fail "--help"
"$bench" --rounds 0 > /dev/null 2>&1
[ $? -eq 2 ] || fail "--rounds 0 is not a usage error"
exit "$failed"
