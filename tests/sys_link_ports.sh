#!/bin/bash
# natprobe link between two NATs of natlab: what local programs write to one side's write port comes
# out of the other one's read port, in both directions and whoever is first; and the samples of
# doc/link.md talk through the same link.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin socat
server=$bin/tests/echo-server client=$bin/tests/echo-client
for tool in "$server" "$client"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
lab_need_sctp "$natprobe"
export server client

# side NAME: a link until both have all. Programs come before there is a path: the writer of one side
# leaves before the other side's reader is there.
cat > "$tmp/side" << 'END'
#!/bin/bash
name=$1
cd "$tmp" || exit 1
export XDG_RUNTIME_DIR=$tmp/$name.run
mkdir -m 700 "$XDG_RUNTIME_DIR"
socket=$XDG_RUNTIME_DIR/natprobe/default
"$natprobe" link -q --code-file code --listen-write 10100 --listen-read 10200 2> "$name.err" &
link=$!
at=TCP:127.0.0.1
socat -u "FILE:$name.original" "$at:10100,retry=200,interval=0.05" &
writer=$!
if [ "$name" = a ]; then
	wait $writer
	socat -u $at:10200 CREATE:a.copy
	echo hello | "$client" "$socket" echo > a.echo
else
	socat -u $at:10200,retry=200,interval=0.05 CREATE:b.copy &
	reader=$!
	until [ -S "$socket" ]; do sleep 0.05; done
	"$server" "$socket" echo 2> b.server &
	wait $writer $reader
fi
touch "$name.done"
until [ -e a.done ] && [ -e b.done ]; do sleep 0.05; done
kill -TERM $link
wait $link
echo $? > "$name.status"
END
chmod +x "$tmp/side"
head -c 300000 /dev/urandom > "$tmp/a.original"
head -c 200000 /dev/urandom > "$tmp/b.original"

# shellcheck disable=SC2016	# the shells inside expand these
NATLAB_DIR=$tmp/lab XDG_STATE_HOME=$tmp/state timeout 150 "$natlab" pair home-router full-cone -- \
	'"$tmp/side" a' -- '"$tmp/side" b' > "$tmp/out" 2>&1 ||
	fail "$(tail -n 5 "$tmp/out" "$tmp"/*.err)"
cmp "$tmp/a.original" "$tmp/b.copy" || fail "from a to b: not the same"
cmp "$tmp/b.original" "$tmp/a.copy" || fail "from b to a: not the same"
[ "$(cat "$tmp/a.echo")" = hello ] || fail "the samples said: $(cat "$tmp/a.echo" "$tmp/b.server")"
for side in a b; do
	[ "$(cat "$tmp/$side.status")" = 0 ] || fail "$side ended with $(cat "$tmp/$side.status")"
	[ ! -s "$tmp/$side.err" ] || fail "$side says: $(cat "$tmp/$side.err")"
done
[ "$failed" != 0 ] || echo "ports of two links carried two files, and samples talked beside them"
exit "$failed"
