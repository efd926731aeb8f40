#!/bin/bash
# natprobe connect: real programs get the path that two real natprobes made between NATs of natlab,
# however these met; what stands in their arguments and environment is true, and the same on both sides.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin jq python3

# A program that writes down what it was given, in a file that is whole when it is there.
cat > "$tmp/tell" << 'PROGRAM'
#!/bin/bash
# $NAME: of the file; all words are what natprobe gave.
{
	printf '%s\n' "$@"
	env | grep '^NATPROBE_' | sort
	[ -z "${NATPROBE_FD:-}" ] || echo "socket $(readlink "/proc/self/fd/$NATPROBE_FD")"
} > "$NAME.part"
mv "$NAME.part" "$NAME"
PROGRAM
cat > "$tmp/both" << 'PROGRAM'
#!/bin/bash
"$tmp/tell" "$@"
exec "$src/tests/echo.sh" "$@"
PROGRAM
# The first word that comes is the other program's, which is said once.
cat > "$tmp/serve" << 'PROGRAM'
#!/usr/bin/env python3
import os, socket, sys, time
time.sleep(0.2)
if "NATPROBE_FD" in os.environ:
    s = socket.socket(fileno=int(os.environ["NATPROBE_FD"]))
else:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], int(sys.argv[2])))
s.settimeout(20)
data = s.recvfrom(2048)[0]
while s.type == socket.SOCK_STREAM and data[-1:] != b"." and (more := s.recv(2048)):
    data += more
print("heard", data)
PROGRAM
cat > "$tmp/once" << 'PROGRAM'
#!/usr/bin/env python3
import os, socket, sys, time
if os.environ["NATPROBE_TRANSPORT"] == "tcp":
    s = socket.socket(fileno=int(os.environ["NATPROBE_FD"]))
    s.sendall(b"once")
    time.sleep(0.3)
    s.sendall(b" more.")
else:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], int(sys.argv[2])))
    s.sendto(b"once", (sys.argv[5], int(sys.argv[6])))
PROGRAM
# rounds SIDE: ten paths; each side serves five times, and is started first or has the socket for it.
cat > "$tmp/rounds" << 'PROGRAM'
#!/bin/bash
"$natprobe" check -q --json > "$1.profile"
for round in {0..9}; do
	call=("$natprobe" connect --quiet --profile "$1.profile" --code-file "code-$round")
	way=--serve
	[ $((round / 2 % 2)) = 0 ] || way=--fd=4
	if [ $((round % 2)) = "$2" ]; then
		"${call[@]}" "$way" -- "$tmp/serve"
	else
		"${call[@]}" -- "$tmp/once"
	fi || echo "round $round: $1 ended with $?"
done
PROGRAM
chmod +x "$tmp"/{tell,both,serve,once,rounds}

# has STORY FILE LINE...
has() {
	local file=$tmp/$1/$2 line

	shift 2
	for line in "$@"; do
		grep -qx -- "$line" "$file" || fail "$file has no $line: $(cat "$file")"
	done
}

# value STORY FILE NAME: of the environment.
value() {
	sed -n "s/^$3=//p" "$tmp/$1/$2"
}

# shellcheck disable=SC2016	# the shells inside expand these
{
# All wildcards there are on one side; none on the other one, whose arguments are those of plexus.
story words home-router full-cone -- \
	'export NATPROBE_CODE=another-code-that-does-not-count NAME=a
	$natprobe check -q --json | jq --slurpfile saved "$src/tests/corpus/report/deep.json" \
		".interfaces[0].deep.values.lifetime = \$saved[0].interfaces[0].deep.values.lifetime" > deep
	$natprobe connect --code-file code --profile deep -- "$tmp/tell" "in %inner%" "out %outer%" "to %peer%" "is %role%" \
		%innerip%-%innerport% %outerip%-%outerport% %peerip%-%peerport% 100% %mine%' -- \
	'NAME=b $natprobe connect --code-file code --fd 5 -- "$tmp/tell"'

# The other side hands nothing over: its natprobe leaves without a word.
story silent home-router full-cone -- \
	'NAME=a $natprobe connect --code-file code -- "$tmp/tell"' -- '$natprobe punch --quiet --code-file code'

# Told to end while the other side lets itself be waited for: nothing is started, and nobody else ends.
story told home-router full-cone -- \
	'$natprobe connect --code-file code -- touch ran 2> a.err & pid=$!
	until grep -q "^trial 1" a.err; do sleep 0.1; done
	sleep 0.5; kill -TERM $pid; wait $pid; echo $? > a' -- '$natprobe punch --quiet --code-file code'

# A program whose interpreter is not there, and one that dies of a signal.
story missing home-router full-cone -- \
	'echo "#!/nowhere" > nowhere; chmod +x nowhere
	$natprobe connect --quiet --code-file code -- ./nowhere; echo $? > a' -- \
	'$natprobe connect --quiet --code-file code -- sh -c "kill -9 \$\$"; echo $? > b'

# By an address, and held for a while, by which its mappings are known to live for so long.
story address home-router home-router -- \
	'$natprobe address > address
	NAME=a $natprobe connect --quiet --accept -- "$tmp/both"' -- \
	'until [ -s address ]; do sleep 0.1; done; sleep 0.3
	NATPROBE_CODE=does-not-count-here NAME=b $natprobe connect --quiet --hold 2s "$(cat address)" -- "$tmp/both"'

# What is said once, and at once, is heard.
story first home-router home-router -- '"$tmp/rounds" a 0' -- '"$tmp/rounds" b 1'

# A stream has nothing of natprobe's in it, from the first byte on.
story stream home-router full-cone -- \
	'$natprobe connect --quiet --code-file code --strategy tcp --fd 4 --serve -- "$tmp/serve"' -- \
	'$natprobe connect --quiet --code-file code --strategy tcp --fd 4 -- "$tmp/once"'

# By a relay of ours, which is an address on loopback to the program.
story relay open-internet home-router -- \
	'. "$side"; relay_begin; echo "$at" > at; export NAME=a
	$natprobe connect --quiet --code-file code --strategy relay --turn "turn:$at" --user ann -- "$tmp/both"
	status=$?; kill $turnd_pid; exit $status' -- \
	'until [ -s at ]; do sleep 0.1; done; export NAME=b
	$natprobe connect --quiet --code-file code --strategy relay -- "$tmp/both"'

# By hand: the token is the one line that natprobe leaves on standard error.
mkfifo "$tmp/offer" "$tmp/answer"
story hand home-router full-cone -- \
	'exec 3<> "$tmp/answer"
	$natprobe connect --quiet --offer -- "$src/tests/echo.sh" 2> a.err < "$tmp/answer" & pid=$!
	. "$side"; token natkit: a.err $pid > "$tmp/offer"; wait $pid' -- \
	'$natprobe connect --quiet --answer - -- "$src/tests/echo.sh" 2> b.err < "$tmp/offer" & pid=$!
	. "$side"; token natkit-answer: b.err $pid > "$tmp/answer"; wait $pid'
}

ended words 0
words=$tmp/words
inner=$(value words a NATPROBE_INNER) outer=$(value words a NATPROBE_OUTER) peer=$(value words a NATPROBE_PEER)
has words a "in $inner" "out $outer" "to $peer" "is $(value words a NATPROBE_ROLE)" \
	"${inner/:/-}" "${outer/:/-}" "${peer/:/-}" '100%' '%mine%' NATPROBE_TRANSPORT=udp NATPROBE_LIFETIME=19
[ "${inner%:*}" = 192.168.1.2 ] || fail "inner is $inner"
[ "$outer" = "$(value words b NATPROBE_PEER)" ] || fail "ours is $outer: $(cat "$words/b")"
[ "$peer" = "$(value words b NATPROBE_OUTER)" ] || fail "theirs is $peer: $(cat "$words/b")"
[ "$(for side in a b; do value words $side NATPROBE_ROLE; done | sort | xargs)" = "a b" ] ||
	fail "roles: $(cat "$words/a" "$words/b")"
secret=$(value words a NATPROBE_SECRET)
[[ $secret =~ ^[0-9a-f]{64}$ ]] || fail "the secret: $(cat "$words/a")"
[ "$secret" = "$(value words b NATPROBE_SECRET)" ] || fail "two secrets: $(cat "$words/a" "$words/b")"
[ "$(head -n 6 "$words/b" | xargs)" = "$(for name in INNER OUTER PEER; do
	value words b NATPROBE_$name | tr : ' '
done | xargs)" ] || fail "the order of plexus: $(cat "$words/b")"
has words b NATPROBE_LIFETIME=0 NATPROBE_FD=5 'socket socket:.*'
! grep -q 'NATPROBE_FD\|NATPROBE_CODE' "$words/a" || fail "too much: $(cat "$words/a")"

ended silent 0
grep -q 'silent at the end' "$tmp/silent/err" || fail "silent: $(cat "$tmp/silent/err")"
has silent a NATPROBE_TRANSPORT=udp

ended told 0
{ [ "$(cat "$tmp/told/a")" = 4 ] && [ ! -e "$tmp/told/ran" ]; } || fail "told: $(cat "$tmp/told"/{a,a.err})"

ended first 0
[ "$(grep -o "heard b'once'" "$tmp/first/out" | wc -l)" = 10 ] || fail "once: $(cat "$tmp/first/out" "$tmp/first/err")"

ended missing 0
[ "$(cat "$tmp/missing/a" "$tmp/missing/b" | xargs)" = "1 1" ] || fail "missing: $(cat "$tmp"/missing/{a,b,err})"
grep -q 'connect: ./nowhere: No such file' "$tmp/missing/err" || fail "missing: $(cat "$tmp/missing/err")"

ended stream 0
grep -q "^heard b'once more.'" "$tmp/stream/out" || fail "stream: $(cat "$tmp/stream/out" "$tmp/stream/err")"

for name in address hand relay; do
	ended $name 0
	! grep -h 'of others' "$tmp/$name"/{err,?.err} 2> /dev/null || fail "$name: natprobe spoke to a program"
	[ "$(grep -o 'data went both ways' "$tmp/$name/out" | wc -l)" = 2 ] ||
		fail "$name: $(tail -n 20 "$tmp/$name"/{out,err,?.err} 2>&1)"
done
[ "$(value relay a NATPROBE_INNER | cut -d: -f1)" = 127.0.0.1 ] || fail "our relay: $(cat "$tmp/relay/a")"
for side in a b; do
	[ "$(value address $side NATPROBE_LIFETIME)" -ge 2 ] || fail "held: $(cat "$tmp/address/$side")"
	! grep -q NATPROBE_CODE "$tmp/address/$side" || fail "a code: $(cat "$tmp/address/$side")"
done

# --- mistakes ---
says 2 'choose one' connect --offer --accept -- true
says 2 'no code' connect --offer 12-abbey-abbey-abbey -- true
says 2 'takes no code' connect --accept 12-abbey-abbey-abbey -- true
says 2 'missing or mistyped' connect --answer natkit:abc -- true
says 2 'address' connect natkit:abc -- true

exit "$failed"
