#!/bin/bash
# check_punch.sh - does doc/punch.md have each strategy and each reason of strategy.c, and no other?
set -u

cd "${srcdir:-.}" || exit 1
doc=doc/punch.md
source=natprobe/planning/strategy.c
faults=0

# words ARRAY: of that table, without "none" of the strategies.
words() {
	sed -n "/^static const struct words $1\[/,/^};/p" "$source" | tr -d '\n' |
		grep -oE '\] = \{[[:space:]]*"[a-z-]+"' | grep -oE '"[a-z-]+"' | tr -d '"'
}

# rows HEADING: the first words of the rows of that section.
rows() {
	awk -v heading="## $1" '
		/^##? / || /^## / { on = $0 == heading }
		on && /^\| `/ { split($0, part, "`"); print part[2] }' "$doc"
}

same() {
	local what=$1
	[ "$(wc -l <"$3")" -gt 10 ] || { echo "no $what in $source"; faults=$((faults + 1)); }
	diff "$2" "$3" >"$scratch/diff" && return
	echo "$what: < $doc, > $source"
	cat "$scratch/diff"
	faults=$((faults + 1))
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rows Strategies >"$scratch/doc_strategies"
words strategies | grep -vx none >"$scratch/strategies"
rows Reasons >"$scratch/doc_reasons"
words reasons >"$scratch/reasons"
same strategies "$scratch/doc_strategies" "$scratch/strategies"
same reasons "$scratch/doc_reasons" "$scratch/reasons"

echo "# each label of a key is in the page"
while read -r label; do
	grep -qF "\`$label\`" "$doc" && continue
	echo "no label \"$label\""
	faults=$((faults + 1))
done < <(grep -oE '"natkit check [a-zA-Z ]+"' natprobe/punch/check.c | tr -d '"' | sort -u)

[ "$faults" = 0 ] && echo "ok: $(wc -l <"$scratch/reasons") reasons" && exit
echo "$faults faults in $doc"
exit 1
