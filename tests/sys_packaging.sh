#!/bin/bash
# sys_packaging.sh - the sample configurations and the systemd units fit the servers that were built.
set -u

srcdir=${srcdir:-.}
builddir=${builddir:-.}
failures=0

fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# keys: of a configuration on stdin, commented out or not
keys() {
	grep -oE '^(# ?)?[a-z0-9][a-z0-9-]* *=' | sed -E 's/^# ?//; s/ *=$//' | sort -u
}

# check_sample NAME FOREIGN EXAMPLES: what stands in the sample as a default is the default, and
# each example has the right form. FOREIGN keys name what need not be on this host; EXAMPLES are
# no defaults.
check_sample() {
	local program=$builddir/$1/$1 sample=$srcdir/packaging/$1.conf key

	echo "# $1: the sample fits the program"
	"$program" --check-config --config="$sample" || fail "$1: the sample is refused"

	"$program" --print-config | keys >"$scratch/known" || fail "$1: --print-config fails"
	keys <"$sample" >"$scratch/shown"
	while read -r key; do
		fail "$1: the sample has no $key"
	done < <(comm -23 "$scratch/known" "$scratch/shown")
	while read -r key; do
		fail "$1: the sample has $key, which $1 does not know"
	done < <(comm -13 "$scratch/known" "$scratch/shown")

	{
		[ "$1" = stund ] || echo 'listen = 127.0.0.1'
		sed -n -e 's/^#\([a-z0-9-]* =\)/\1/p' -e 's/^#\(\[.*\]\)$/\1/p' "$sample" |
			grep -vE "^($2) "
	} >"$scratch/all.conf"
	"$program" --check-config --config="$scratch/all.conf" || fail "$1: an example is refused"
	"$program" --print-config >"$scratch/default"
	sed '/^\[/,$d' "$scratch/all.conf" | grep -vE "^($3|listen) " >"$scratch/defaults.conf"
	"$program" --print-config --config="$scratch/defaults.conf" |
		diff "$scratch/default" - || fail "$1: a default in the sample is not one"
}

check_unit() {
	local unit=$builddir/packaging/$1.service

	echo "# $1: the unit is narrow"
	if grep -q @ <(grep -v '^SystemCallFilter' "$unit"); then
		fail "$1: a placeholder is left in the unit"
	fi
	# the unit is narrow
	if command -v systemd-analyze >"$scratch/null" &&
		systemd-analyze security --offline=true --no-pager "$unit" >"$scratch/security" 2>&1; then
		tail -n 1 "$scratch/security"
		systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" \
			>"$scratch/null" 2>&1 || fail "$1: the unit is exposed by more than 2.0"
	else
		echo "not checked: the unit's exposure (no systemd-analyze security --offline)"
	fi
	grep -q "^u $1 " "$srcdir/packaging/sysusers.d/$1.conf" || fail "$1: no system user"
}

for name in stund turnd; do
	[ -x "$builddir/$name/$name" ] || { echo "skipped: $name is not built"; exit 77; }
done
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

check_sample stund 'listen|alternate|public|partner|partner-key-file|cert-file|key-file|geo-database' \
	'software|user|admin|rendezvous'
check_unit stund

places='(allow|deny)-(peer|client)-(country|network)'
files='cert-file|key-file|password-file|auth-secret-file|user-database|oauth-key-file|nonce-key-file'
check_sample turnd "listen|alternate|relay-address|geo-database|server-name|oauth-server-name|$files|$places" \
	"realm|proxy-from|(allow|deny)-(peer|client)|nat64-prefix|software|alternate-server|user|admin|control"
check_unit turnd

[ "$failures" -eq 0 ] || exit 1
echo "the sample configurations and the units fit"
