#!/bin/bash
# Four files are sent at once over one link, by programs that have nothing else in common: the line's
# bandwidth is shared evenly (Jain's index at least 0.9), and all of them arrive.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin awk
lab_need_sctp "$natprobe"
size=3000000
head -c "$size" /dev/urandom > "$tmp/file"

# side A-or-B COMMAND...: a link, and four of the command over it; {} is the number of each.
cat > "$tmp/side" << 'SIDE'
#!/bin/bash
cd "$tmp" || exit 1
export XDG_RUNTIME_DIR=$tmp/run-$1 XDG_STATE_HOME=$tmp/state-$1
mkdir -m 700 "$XDG_RUNTIME_DIR"
"$natprobe" link --code-file code > "link-$1" 2>&1 & link=$!
for _ in {1..600}; do
	[ ! -S "$XDG_RUNTIME_DIR/natprobe/default" ] || break
	sleep 0.05
done
users=()
for n in 1 2 3 4; do
	"$natprobe" "${@:2:1}" "${@:3}" $([ "$1" = a ] || echo "-o out-$n") > "user-$1-$n" 2>&1 & users+=($!)
done
rc=0
for user in "${users[@]}"; do wait "$user" || rc=1; done
# The other side's have all they want to hear.
touch "done-$1"
for _ in {1..600}; do
	{ [ -e done-a ] && [ -e done-b ]; } && break
	sleep 0.05
done
kill "$link"
exit "$rc"
SIDE
chmod +x "$tmp/side"
mkdir "$tmp"/out-{1,2,3,4}

# What each of the four has of its file.
have() {
	local n got

	for n in 1 2 3 4; do
		got=$(stat -c %s "$tmp/out-$n/.file.natprobe-part" 2> /dev/null ||
			stat -c %s "$tmp/out-$n/file" 2> /dev/null) || got=0
		echo "$got"
	done | xargs
}
# all_have N: each of them has so much; one_has N: the first has.
all_have() { have | awk -v n="$1" '{ for (i = 1; i <= 4; i++) if ($i < n) exit 1 }'; }
one_has() { have | awk -v n="$1" '{ for (i = 1; i <= 4; i++) if ($i >= n) exit 0; exit 1 }'; }

NATLAB_DIR=$tmp/lab timeout 150 "$natlab" pair --rate 20Mbit --queue 50ms home-router full-cone -- \
	"$tmp/side a send file" -- "$tmp/side b receive --yes" > "$tmp/out" 2> "$tmp/err" &
lab=$!
until all_have 500000 || ! kill -0 "$lab" 2> /dev/null; do sleep 0.02; done
before=$(have)
until one_has $((size * 3 / 4)) || ! kill -0 "$lab" 2> /dev/null; do sleep 0.02; done
after=$(have)
wait "$lab" || fail "a side failed: $(tail -n 5 "$tmp"/{err,link-*,user-*})"

index=$(awk -v before="$before" -v after="$after" 'BEGIN {
	split(before, b); n = split(after, a)
	for (i = 1; i <= n; i++) { x = a[i] - b[i]; sum += x; squares += x * x }
	if (squares > 0) printf "%.3f", sum * sum / (n * squares)
}')
echo "index $index: from $before to $after"
awk -v j="${index:-0}" 'BEGIN { exit !(j >= 0.9) }' || fail "not shared evenly: $index"
for n in 1 2 3 4; do
	cmp -s "$tmp/file" "$tmp/out-$n/file" || fail "file $n is not what was sent"
done
exit "$failed"
