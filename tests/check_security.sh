#!/bin/bash
# check_security.sh - does doc/security.md have all its points, each with tests that are there?
set -u

cd "${srcdir:-.}" || exit 1
doc=doc/security.md
POINTS=49

. "$PWD/tests/proofs.sh"

# rows: "NUMBER|PROOF" of each point.
rows() {
	awk -F ' *[|] *' 'NF == 5 && $2 ~ /^[0-9]+$/ { print $2 "|" $4 }' "$doc"
}

# parsers: the fuzz targets that the page lists.
parsers() {
	# shellcheck disable=SC2016
	sed -n '/^## Parsers/,$p' "$doc" | grep -oE '`fuzz_[a-z0-9_]+`' | tr -d '`' | sort -u
}

diff <(seq $POINTS) <(rows | cut -d'|' -f1) > /dev/null || fault "not the points 1 to $POINTS"
while IFS='|' read -r point proof; do
	[ -n "$(cases "$proof")" ] || fault "point $point has no test"
done < <(rows)
while IFS=: read -r file case; do
	check_case "$file" "$case"
done < <(rows | while read -r row; do cases "${row#*|}"; done | sort -u)

[ "$(parsers | wc -l)" -gt 10 ] || fault "the parsers are not listed"
while read -r target; do
	grep -qE "^FUZZ_TARGETS \+= tests/$target\$" tests/{fuzz,punch,link,transfer}.mk || fault "there is no $target"
	[ -d "tests/corpus/${target#fuzz_}" ] || fault "$target has no seeds"
done < <(parsers)

[ "$faults" = 0 ] && echo "ok: $POINTS points" && exit
echo "$faults faults in $doc"
exit 1
