# shellcheck shell=bash
#
# proofs.sh - do the tests that a page of doc/ names exist, and are they run? For check_*.sh, which
# stand in the folder of the sources.

faults=0

fault() {
	echo "fault: $*"
	faults=$((faults + 1))
}

# check_case FILE CASE: a case of a unit test, or what a script says while it does it.
check_case() {
	local file=tests/$1 name=$2

	if [ ! -f "$file" ]; then
		fault "there is no $file"
	elif [[ $file == *.sh ]]; then
		grep -qF "# $name" "$file" || fault "$file says nothing of \"$name\""
		grep -qwF "$file" tests/{local,punch,link,transfer}.mk || fault "$file is not part of make check"
	else
		grep -qE "^static void $name\(void \*\*" "$file" || fault "$file has no test $name"
		grep -qE "^[[:space:]](.*[[:space:]])?[A-Za-z_]+\(${name}[),]" "$file" || fault "$file does not run $name"
		grep -qE "tests/${1%.c}( |$)" tests/{local,punch,link,transfer}.mk || fault "$file is not part of make check"
	fi
}

# cases PROOF: "FILE:CASE" for each in backquotes.
cases() {
	# shellcheck disable=SC2016
	grep -oE '`[^`]+`' <<< "$1" | tr -d '`'
}
