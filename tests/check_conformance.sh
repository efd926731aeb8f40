#!/bin/bash
# check_conformance.sh [--rfcs DIR] - is doc/conformance.md whole, and are its tests there?
#
#   - each MUST, SHALL and REQUIRED of RFC 8489 and RFC 8656 has its row, in the order of the text
#   - each row names a test that exists, is run by its program, and is part of make check; or it
#     says why there is none
#   - no test stands in more than MOST rows
#   - each fault that tests/mutate knows fits the sources, and names a row that names a test;
#     with NATKIT_FULL it is tried
#
# --rfcs: also counts those words in DIR/rfc8489.txt and DIR/rfc8656.txt, to see that the numbers
# below are those of the RFCs.
set -u

rfcs=
[ "${1:-}" = --rfcs ] && rfcs=$(cd "${2:?a directory}" && pwd)
cd "${srcdir:-.}" || exit 1
doc=doc/conformance.md
MOST=5

# SECTION:WORDS, how often these words stand in each section. Left out: where they are explained.
clauses_8489='5:8 6.1:4 6.2.2:2 6.2.3:8 6.3:1 6.3.1:3 6.3.1.1:2 6.3.4:1 8.1:3 9:2 9.1.2:2 9.1.3:13
	9.1.4:5 9.1.5:1 9.2:2 9.2.3.1:1 9.2.3.2:2 9.2.4:20 9.2.5:20 10:8 11:4 12:3 14:5 14.1:4 14.3:3
	14.4:2 14.5:1 14.6:3 14.7:1 14.8:10 14.9:2 14.10:1 14.12:2 14.14:1 14.16:1 16:2 18.5.1.1:1'
clauses_8656='3.1:1 3.7:2 4.1:2 5:6 6:4 7.1:8 7.2:7 7.3:4 7.4:2 8:1 8.1:2 8.2:1 9:1 10.1:2 10.2:2
	11.1:2 11.2:1 11.3:1 11.5:2 12:3 12.1:1 12.2:1 12.5:2 12.6:1 13:2 13.1:1 13.2:2 13.3:1 18:1
	18.1:2 18.6:2 18.8:2 18.12:3 18.13:3 21.1.6:1 21.4:1'

# Why a row may have no test.
without='client only|specification only|deployment only|short-term only|remark'

. "$PWD/tests/proofs.sh"

# rows HEADING: "SECTION|PROOF" of each row of that part.
rows() {
	awk -F ' *[|] *' -v heading="## $1" '
		/^## / { on = $0 == heading }
		on && NF == 5 && $2 != "section" && $2 !~ /^-/ { print $2 "|" $4 }' "$doc"
}

# wanted CLAUSES: "5 (1)", "5 (2)", ...
wanted() {
	local clause n

	for clause in $1; do
		for ((n = 1; n <= ${clause#*:}; n++)); do
			echo "${clause%:*} ($n)"
		done
	done
}

# counted FILE EXPLAINED: the same as clauses_*, from the text of an RFC.
counted() {
	awk -v explained="$2" '
		/^\f/ || /\[Page [0-9]+\]$/ || /^RFC [0-9]+  / { next }
		/^1\.  Introduction/ { on = 1 }
		/^Appendix/ { on = 0 }
		/^[0-9]+(\.[0-9]+)*\.  ?[^ ]/ { section = $1; sub(/\.$/, "", section); next }
		on && section != explained {
			line = $0
			gsub(/[^A-Z]+/, " ", line)
			n = split(line, word, " ")
			for (i = 1; i <= n; i++) {
				if (word[i] != "MUST" && word[i] != "SHALL" && word[i] != "REQUIRED")
					continue
				if (!(section in count))
					order[++sections] = section
				count[section]++
			}
		}
		END { for (i = 1; i <= sections; i++) print order[i] ":" count[order[i]] }' "$1" | xargs
}

check_rows() {
	local rfc=$1 clauses=$2

	while read -r line; do
		fault "RFC $rfc: ${line/</missing row:}"
	done < <(diff <(wanted "$clauses") <(rows "RFC $rfc" | cut -d'|' -f1) | sed -n \
		's/^< */< /p; s/^> */row that is too many, or out of place: /p')
}

all_rows() {
	rows "RFC 8489"
	rows "RFC 8656"
	rows "Said without MUST"
}

check_proofs() {
	local section proof case

	while IFS='|' read -r section proof; do
		[ -n "$(cases "$proof")" ] || [[ $proof =~ ^($without)$ ]] ||
			fault "$section: no test, and no reason"
	done < <(all_rows)
	while IFS=: read -r file case; do
		check_case "$file" "$case"
	done < <(all_rows | while read -r row; do cases "${row#*|}"; done | sort -u)
	while read -r times case; do
		[ "$times" -le "$MOST" ] || fault "$case stands in $times rows"
	done < <(all_rows | while read -r row; do cases "${row#*|}"; done | sort | uniq -c)
}

check_counts() {
	local rfc=$1 explained=$2 clauses=$3 counts

	counts=$(counted "$rfcs/rfc$rfc.txt" "$explained")
	[ "$counts" = "$(xargs <<< "$clauses")" ] || fault "RFC $rfc has $counts"
}

check_rows 8489 "$clauses_8489"
check_rows 8656 "$clauses_8656"
check_proofs
if [ -n "$rfcs" ]; then
	check_counts 8489 3 "$clauses_8489"
	check_counts 8656 2 "$clauses_8656"
fi
if [ -n "${NATKIT_FULL:-}" ]; then
	tests/mutate || fault "tests/mutate"
else
	tests/mutate --dry-run || fault "tests/mutate --dry-run"
fi
rows=$(all_rows | wc -l)
[ "$faults" = 0 ] && [ "$rows" -gt 0 ] && echo "ok: $rows rows" && exit
echo "$faults faults in $doc"
exit 1
