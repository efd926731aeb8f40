#!/bin/bash
# check_man.sh - do the man pages say what the programs do?
#
#   - PROGRAM.1 or PROGRAM.8 has an entry for each option of PROGRAM --help, and for no other
#   - PROGRAM.conf.5 has an entry "KEY =" for each key of PROGRAM --print-config, and for no other
#
# An entry is the tag of a paragraph: the line after .TP or .TQ in man(7), .It in mdoc(7).
set -u

srcdir=${srcdir:-.}
builddir=${builddir:-.}
checked=0
failures=0

# tags PAGE: the tags of a page, one a line, as plain text: "-s, --server=SERVER"
tags() {
	awk '
		function plain(s) {
			gsub(/\\f\[[^]]*\]|\\f\(..|\\f./, "", s)	# fonts
			gsub(/\\-/, "-", s)
			gsub(/\\\(en/, "-", s)
			gsub(/\\[&|^ ]/, "", s)
			return s
		}
		function words(s, glued,	out, word, rest) {
			out = ""
			rest = s
			while (match(rest, /"[^"]*"|[^ \t"]+/)) {
				word = substr(rest, RSTART, RLENGTH)
				rest = substr(rest, RSTART + RLENGTH)
				gsub(/"/, "", word)
				out = out (glued || out == "" ? "" : " ") word
			}
			return out
		}
		/^\.It / {
			line = plain($0)
			sub(/^\.It +/, "", line)
			gsub(/ Ns /, "", line)
			gsub(/Fl /, "-", line)
			while (sub(/(^| )(Ar|Cm|Ic|Li|No|Pa) /, " ", line))
				;
			sub(/^ +/, "", line)
			print line
			next
		}
		wanted {
			line = plain($0)
			glued = line ~ /^\.(BR|RB|BI|IB|IR|RI) /
			if (line ~ /^\.[BIR]+ /)
				sub(/^\.[BIR]+ +/, "", line)
			print words(line, glued)
		}
		{ wanted = /^\.T[PQ]/ }' "$1"
}

# options: of the tags, or lines of help, on stdin; "-s --server" or "--json", one an option
options() {
	awk '{
		sub(/^ +/, "")
		sub(/  .*/, "")	# what help says about it
		gsub(/--\[no-\]/, "--")
		count = split($0, words, /[ ,=[]+/)
		found = ""
		for (i = 1; i <= count; i++) {
			sub(/^--no-/, "--", words[i])
			if (words[i] ~ /^(-[A-Za-z0-9]|--[a-z0-9][a-z0-9-]*)$/ &&
			    index(found " ", " " words[i] " ") == 0)
				found = found " " words[i]
		}
		if (found != "")
			print substr(found, 2)
	}' | sort -u
}

# keys: of the tags or lines of a configuration on stdin
keys() {
	grep -oE '^(# )?[a-z0-9][a-z0-9-]* *=' | sed -E 's/^# //; s/ *=$//' | sort -u
}

# compare WHAT PAGE PROGRAM-FILE PAGE-FILE
compare() {
	local word

	while read -r word; do
		echo "$2: no entry for $1 $word"
		failures=$((failures + 1))
	done < <(comm -23 "$3" "$4")
	while read -r word; do
		echo "$2: an entry for $1 $word, which is not there"
		failures=$((failures + 1))
	done < <(comm -13 "$3" "$4")
	checked=$((checked + 1))
}

# ask PROGRAM OPTION: its answer, or the end of this test
ask() {
	"$1" "$2" 2>/dev/null && return
	echo "$1 $2: fails"
	failures=$((failures + 1))
}

# help PROGRAM: its --help, and that of its commands where it says that they have their own
help() {
	local text command

	text=$(ask "$1" --help)
	grep -v 'COMMAND --help' <<< "$text"
	[[ $text == *"COMMAND --help"* ]] || return
	while read -r command; do
		text=$("$1" "$command" --help) || echo "  --of-$command-fails"
		grep '^ ' <<< "$text" # what stands at the beginning of a line is no list of options
	done < <(sed -n '/^Commands/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' <<< "$text")
}

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

for page in "$srcdir"/doc/*.[158]; do
	name=${page##*/}
	name=${name%.?}
	program=
	for folder in "${name%.conf}" tests/natlab; do
		[ ! -x "$builddir/$folder/${name%.conf}" ] || program=$builddir/$folder/${name%.conf}
	done
	[ -n "$program" ] || continue # a page of something that has no options
	case $name in
	*.conf)
		ask "$program" --print-config | keys >"$scratch/program"
		tags "$page" | keys >"$scratch/page"
		compare key "${page##*/}" "$scratch/program" "$scratch/page"
		;;
	*)
		help "$program" | options >"$scratch/program"
		tags "$page" | options >"$scratch/page"
		compare option "${page##*/}" "$scratch/program" "$scratch/page"
		;;
	esac
	[ -s "$scratch/program" ] || { echo "$program: says nothing"; failures=$((failures + 1)); }
done

if [ "$checked" -eq 0 ]; then
	echo "skipped: no program that is built has a man page"
	exit 77
fi
[ "$failures" -eq 0 ] || exit 1
echo "$checked man pages say what the programs do"
