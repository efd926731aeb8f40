# shellcheck shell=bash
# shellcheck disable=SC2034	# for those who source it
#
# stories.sh - what two hosts of natlab do, each behind a network of its own, is a story; stories run
# side by side. After lab.sh:
#
#	stories_begin jq python3      # skips where that cannot be, or one of these tools is missing
#	story meet home-router cgn-block -- '$natprobe punch --code-file code > a' \
#		-- '$natprobe punch --code-file code > b'
#	ended meet 0
#
# Then $tmp is a folder that goes with the script, $src and $bin are absolute, $natlab, $natprobe,
# $stund and $turnd are what was built, and $side is side.sh, for commands of a side to begin with.

declare -A jobs=()
story_limit_s=150 # the longest story, on a busy machine

# stories_begin TOOL...
stories_begin() {
	local why tool

	src=$(cd "${srcdir:-.}" && pwd)
	bin=$(cd "${builddir:-.}" && pwd)
	natlab=$bin/tests/natlab/natlab
	natprobe=$bin/natprobe/natprobe
	stund=$bin/stund/stund
	turnd=$bin/turnd/turnd
	side=$src/tests/lab/side.sh
	lab_need "$@"
	for tool in "$natlab" "$natprobe" "$stund" "$turnd"; do
		[ -x "$tool" ] || lab_skip "$tool is not built"
	done
	why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"
	tmp=$(mktemp -d)
	trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
	unset NATPROBE_SERVER NATPROBE_RENDEZVOUS NATPROBE_CODE NATPROBE_LINK
	export src natlab natprobe stund turnd side tmp
}

# story NAME PROFILE-AND-OPTIONS... -- COMMAND-A -- COMMAND-B: in the background; both commands are
# for a shell, in a folder of their own. What they print is in NAME/out and err, their status in
# NAME/status.
story() {
	local name=$1

	shift
	mkdir -p "$tmp/$name"
	(
		cd "$tmp/$name" || exit 1
		XDG_STATE_HOME=$tmp/$name/state timeout "$story_limit_s" \
			"$natlab" pair --dir "$tmp/$name/lab" "$@" > out 2> err
		echo $? > status
	) &
	jobs[$name]=$!
}

# ended NAME STATUS: waits for it.
ended() {
	local status

	wait "${jobs[$1]}"
	status=$(cat "$tmp/$1/status")
	[ "$status" = "$2" ] || fail "$1 ended with $status, not $2:" \
		"$(tail -n 20 "$tmp/$1"/{out,err,*.out,*.err} 2> /dev/null)"
}

# says STATUS WORDS ARGUMENT...: so ends natprobe on this host, with WORDS in what it says.
says() {
	local want=$1 words=$2 got

	shift 2
	"$natprobe" "$@" > "$tmp/said" 2>&1 < /dev/null
	got=$?
	[ "$got" = "$want" ] || fail "natprobe $* ended with $got, not $want: $(cat "$tmp/said")"
	grep -q -- "$words" "$tmp/said" || fail "natprobe $* says: $(cat "$tmp/said")"
}

# is WANTED GOT WHAT
is() {
	[ "$1" = "$2" ] || fail "$3: $2, not $1"
}
