#!/bin/bash
# The real natprobe behind every profile of natlab says what is true of it, or that it does not
# know, and then in one run of a hundred at most.
#
#	sys_profiles.sh [--full]       a slice of the profiles that changes from day to day; --full or
#	                               NATKIT_FULL=1: all of them, five times
#	sys_profiles.sh run PROFILE NUMBER   one of them
set -u
: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/tests/lab/lab.sh"

slices=6 # days until each has had its turn
natlab=$builddir/tests/natlab/natlab
natprobe=$builddir/natprobe/natprobe
results=$builddir/tests/natlab/profiles

# What is said about one run goes to stdout, "ok", "open" or "FAIL" first.
one_run() {
	local base=$results/$1-$2 status

	"$natlab" show --expect "$1" > "$base.conf" || return
	timeout 150 "$natlab" run --log "$base.log" "$1" -- \
		"$natprobe" check --timeout 20s --expect "$base.conf" > "$base.out" 2>&1
	status=$?
	case $status in
	0) echo "ok $1" ;;
	4) echo "open $1: $(grep -A 2 '^  open ' "$base.out" | sed 's/(.*conf.*)//' | xargs)" ;;
	*) echo "FAIL $1: exit $status: $(grep -A 2 '^  missed ' "$base.out" | xargs); see $base.out" ;;
	esac
}

# chosen: a profile a line.
chosen() {
	local all i

	mapfile -t all < <("$natlab" list --json | jq -r '.[].id')
	for ((i = 0; i < ${#all[@]}; i++)); do
		if [ "$full" = 1 ] || [ $(((i + $(date +%s) / 86400) % slices)) = 0 ]; then
			echo "${all[i]}"
		fi
	done
}

# jobs: as arguments for one_run; kernel profiles only where the kernel has what they need.
jobs() {
	local profile number

	while read -r profile; do
		if [[ $profile == K* ]] && ! why=$("$natlab" run "$profile" -- true 2>&1); then
			echo "not checked: $profile: $why" >&2
			continue
		fi
		for ((number = 1; number <= runs; number++)); do
			echo "$profile $number"
		done
	done < <(chosen)
}

if [ "${1:-}" = run ]; then
	one_run "$2" "$3"
	exit
fi
full=${NATKIT_FULL:-0} runs=1
[ "${1:-}" != --full ] || full=1
[ "$full" != 1 ] || runs=5
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
lab_need jq
for tool in "$natlab" "$natprobe" "$builddir/stund/stund"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"
unset NATPROBE_SERVER
rm -rf "$results"
mkdir -p "$results"

jobs > "$results/jobs"
xargs -P "$(nproc)" -L 1 bash "$0" run < "$results/jobs" > "$results/said"
grep -v '^ok' "$results/said"
runs=$(wc -l < "$results/jobs") good=$(grep -c '^ok' "$results/said")
open=$(grep -c '^open' "$results/said")
echo "$runs runs: $good as expected, $open with a value that is unknown"
[ "$runs" -gt 0 ] || fail "there was nothing to run"
[ $((good + open)) = "$runs" ] || fail "$((runs - good - open)) runs are wrong"
[ "$open" -le $(((runs + 99) / 100)) ] || fail "too many runs end with an unknown value"
exit "$failed"
