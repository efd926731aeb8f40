#!/bin/bash
# sys_packaging.sh - the sample configuration and the systemd unit fit the stund that was built.
set -u

srcdir=${srcdir:-.}
builddir=${builddir:-.}
stund=$builddir/stund/stund
sample=$srcdir/packaging/stund.conf
unit=$builddir/packaging/stund.service
failures=0

fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# keys: of a configuration on stdin, commented out or not
keys() {
	grep -oE '^(# ?)?[a-z0-9][a-z0-9-]* *=' | sed -E 's/^# ?//; s/ *=$//' | sort -u
}

[ -x "$stund" ] || { echo "skipped: $stund is not built"; exit 77; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

"$stund" --check-config --config="$sample" || fail "the sample configuration is refused"

"$stund" --print-config | keys >"$scratch/known" || fail "--print-config fails"
keys <"$sample" >"$scratch/shown"
while read -r key; do
	fail "the sample has no $key"
done < <(comm -23 "$scratch/known" "$scratch/shown")
while read -r key; do
	fail "the sample has $key, which stund does not know"
done < <(comm -13 "$scratch/known" "$scratch/shown")

# What stands there as a default is the default, and each example has the right form. Files
# need not be there, addresses need not be this host's.
sed -n 's/^#\([a-z0-9-]* =\)/\1/p' "$sample" |
	grep -vE '^(listen|alternate|public|cert-file|key-file) ' >"$scratch/all.conf"
"$stund" --check-config --config="$scratch/all.conf" || fail "an example is refused"
"$stund" --print-config >"$scratch/default"
grep -vE '^(software|user|admin) ' "$scratch/all.conf" >"$scratch/defaults.conf"
"$stund" --print-config --config="$scratch/defaults.conf" |
	diff "$scratch/default" - || fail "a default in the sample is not stund's"

echo "# the unit is narrow"
if grep -q @ <(grep -v '^SystemCallFilter' "$unit"); then
	fail "a placeholder is left in the unit"
fi
if command -v systemd-analyze >"$scratch/null" &&
	systemd-analyze security --offline=true --no-pager "$unit" >"$scratch/security" 2>&1; then
	tail -n 1 "$scratch/security"
	systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" \
		>"$scratch/null" 2>&1 || fail "the unit is exposed by more than 2.0"
else
	echo "not checked: the unit's exposure (no systemd-analyze security --offline)"
fi

[ "$failures" -eq 0 ] || exit 1
echo "the sample configuration and the unit fit"
