#!/bin/bash
# natprobe punch by address where messages go one way only: the owner of the address hears an
# invitation, and nobody hears him. Two real programs behind NATs of natlab.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin jq python3

# The owner of an address who is heard by nobody: what he publishes is taken, and goes nowhere.
# shellcheck disable=SC2016	# the shells inside expand these
{
mute='python3 "$src/tests/mute_rendezvous.py" "$NATPROBE_RENDEZVOUS" 8099 & mute=$!
	$natprobe address --local-port 5000 > made && mv made address
	NATPROBE_RENDEZVOUS= $natprobe punch --json --local-port 5000 --accept --accept-max 1 \
		-r http://127.0.0.1:8099/ > b.json; echo $? > b.status; kill $mute'
invites='until [ -s address ]; do sleep 0.1; done
	$natprobe punch --json "$(cat address)" > a.json; echo $? > a.status'
# Its NAT lets in who knows the port, which is kept.
random="--mapping apd --allocation random --pcp off --nat-pmp off"
# shellcheck disable=SC2086	# options
{
story open home-router $random full-cone --allocation preserving -- "$invites" -- "$mute"
story shut home-router $random home-router $random -- "$invites" -- "$mute"
}
}

# --- one way ---
ended open 0
jq -es 'all(.[].trials[0]; .strategy != "none" and (.path.outer // .path.remote) != null)' \
	"$tmp/open/a.json" "$tmp/open/b.json" > /dev/null ||
	fail "no path: $(cat "$tmp/open/a.json" "$tmp/open/b.json" "$tmp/open/err")"
jq -e '.trials[0].path.remote | endswith(":5000")' "$tmp/open/a.json" > /dev/null ||
	fail "not by the port of the address: $(cat "$tmp/open/a.json")"
ended shut 0
[ "$(cat "$tmp/shut/a.status" "$tmp/shut/b.status" | xargs)" = "1 1" ] ||
	fail "shut: $(cat "$tmp/shut/"{a.json,b.json,err})"
jq -es 'all(.[].trials[0]; .strategy == "none" and .overall.reason != null)' \
	"$tmp/shut/a.json" "$tmp/shut/b.json" > /dev/null ||
	fail "shut: $(cat "$tmp/shut/"{a.json,b.json})"
exit "$failed"
