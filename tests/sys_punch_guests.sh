#!/bin/bash
# natprobe punch --accept: four who have the address come at once, each from a network of its own, and
# one more came before them and died without a word. All four are served, meanwhile.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin jq
export NATLAB_DIR=$tmp/lab XDG_STATE_HOME=$tmp/state
trap '"$natlab" down 2> /dev/null; rm -rf "$tmp"' EXIT

guests='home-router full-cone restricted-cone cgn-block-512'
{
	printf '%s\n' '[box owner-box]' 'profile = home-router' '[host owner]' 'behind = owner-box' \
		'[box dead-box]' 'profile = home-router' '[host dead]' 'behind = dead-box'
	for name in $guests; do
		printf '%s\n' "[box $name-box]" "profile = $name" "[host $name]" "behind = $name-box"
	done
} > "$tmp/lab.conf"
"$natlab" up "$tmp/lab.conf" || { fail "natlab up"; exit "$failed"; }

# shellcheck disable=SC2016	# the shells inside expand these
{
"$natlab" exec owner -- sh -c '$natprobe address > $tmp/made && mv $tmp/made $tmp/address
	exec $natprobe punch --accept --json' > "$tmp/owner.json" 2> "$tmp/owner.err" &
owner=$!
for _ in $(seq 600); do
	[ ! -s "$tmp/address" ] || break
	sleep 0.1
done
# Its invitation leaves at once, what it wants only when it knows its network.
"$natlab" exec dead -- sh -c 'exec timeout -s KILL 0.5 $natprobe punch "$(cat $tmp/address)"' \
	> "$tmp/dead.out" 2>&1
began=$(date +%s%3N)
for name in $guests; do
	"$natlab" exec "$name" -- sh -c 'exec timeout 90 $natprobe punch --json "$(cat $tmp/address)"' \
		> "$tmp/$name.json" 2> "$tmp/$name.err" &
	jobs[$name]=$!
done
}
for name in $guests; do
	wait "${jobs[$name]}" || fail "$name: $(cat "$tmp/$name".{json,err})"
done
took=$(($(date +%s%3N) - began))
[ "$took" -lt 20000 ] || fail "four guests took $took ms"
for _ in $(seq 600); do
	[ "$(jq -s length "$tmp/owner.json")" != 4 ] || break
	sleep 0.1
done
kill -TERM "$owner"
wait "$owner"
status=$?
[ "$status" = 4 ] || fail "the owner ended with $status, not 4: $(cat "$tmp/owner.err")"

# Each of them made a path, and the owner has it as well.
for name in $guests; do
	jq -es --slurpfile owner "$tmp/owner.json" '.[0] as $g | $owner | map(select(.run == $g.run)) |
		length == 1 and (.[0].trials[0] as $t | $g.trials[0] |
		.strategy != "none" and .path.outer == $t.path.remote and .path.remote == $t.path.outer)' \
		"$tmp/$name.json" > /dev/null ||
		fail "$name: $(cat "$tmp/$name.json" "$tmp/owner.json" "$tmp/owner.err")"
done
exit "$failed"
