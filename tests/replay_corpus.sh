#!/bin/bash
# Runs every seed in tests/corpus/ENTRY through tests/fuzz_ENTRY. Works for targets built with
# and without libFuzzer: both take files as arguments.
# FUZZ_TARGETS  the programs, relative to the build directory
set -u

srcdir=${srcdir:-.}
failed=0

echo "# every target has seeds, and gets over them"
for target in ${FUZZ_TARGETS:?which programs}; do
	entry=${target##*/fuzz_}
	seeds=("$srcdir/tests/corpus/$entry"/*)
	if [ ! -f "${seeds[0]}" ]; then
		echo "FAIL $entry: no seeds in tests/corpus/$entry"
		failed=1
	elif "./$target" "${seeds[@]}" >"$target.out" 2>&1; then
		echo "ok   $entry: ${#seeds[@]} seeds"
		rm -f "$target.out"
	else
		echo "FAIL $entry:"
		tail -n 30 "$target.out"
		failed=1
	fi
done
exit $failed
