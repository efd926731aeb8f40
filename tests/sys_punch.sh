#!/bin/bash
# natprobe punch, connect, address and interfaces: two real programs, each behind a NAT of its own in
# natlab, meet at stund's rendezvous and make a path; what they say of it agrees, codes stay secret.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin jq python3

# of SIDE FILTER: of what a side of the story `json` reported.
of() {
	jq -r "$2" "$tmp/json/$1.json"
}

# shellcheck disable=SC2016	# the shells inside expand these
{
# Who comes first makes the file with the code.
story json home-router cgn-block -- '$natprobe punch --code-file code --json > a.json' \
	-- '$natprobe punch --code-file code --json > b.json'

# A code of one's own, on stdin; three trials; the same from the environment.
story own-code home-router home-router --mapping apd --step 1 -- \
	'echo "My own secret PLACE" | $natprobe punch --trials 3 --json - > a.json' -- \
	'NATPROBE_CODE=my-own-secret-place $natprobe punch --json > b.json'

# In argv: overwritten at once.
story argv open-internet home-router -- \
	'$natprobe punch --quiet 17-my-own-argv-secret & pid=$!
	for i in $(seq 600); do
		tr "\0" " " < /proc/$pid/cmdline > cmdline
		! grep -q "punch.*secret" cmdline && grep -q "punch --quiet" cmdline && break
		sleep 0.02
	done; wait $pid' -- \
	'sleep 0.6; $natprobe punch --quiet 17-my-own-argv-secret'

# Another code in the same place: no path, both are told, and there was one guess.
story wrong home-router full-cone -- \
	'$natprobe punch 12-abbey-abbey-abbey; echo $? > a' -- \
	'$natprobe punch 12-abbey-abbey-zodiac; echo $? > b'

story connect home-router cgn-block -- \
	'"$src/tests/whole_lines.py" $natprobe connect --code-file code -- "$src/tests/echo.sh"' -- \
	'$natprobe connect --code-file code --fd 7 -- "$src/tests/echo.sh" %inner%'

story fails home-router full-cone -- \
	'$natprobe connect --quiet --code-file code -- sh -c "exit 9"; echo $? > a' -- \
	'$natprobe connect --quiet --code-file code -- true; echo $? > b'

# One acceptor, two inviters after each other, from one address; the first wants two paths.
story accept home-router home-router --filtering ei -- \
	'$natprobe address > address && $natprobe punch --json --accept --accept-max 2 > a.json' -- \
	'until [ -s address ]; do sleep 0.1; done; sleep 0.3
	$natprobe punch --quiet --trials 2 "$(cat address)" && $natprobe punch --quiet "$(cat address)"'

# By a relay alone, which one of them has.
story relay open-internet home-router -- \
	'. "$side"; relay_begin; echo "$at" > at
	$natprobe punch --code-file code --json --strategy relay --turn "turn:$at" --user ann > a.json
	status=$?; kill $turnd_pid; exit $status' -- \
	'until [ -s at ]; do sleep 0.1; done
	$natprobe punch --code-file code --json --strategy relay > b.json'

# A port that the gateway opened is closed at the end: another one inside gets it, and keeps it. Its
# mapping lives on for a little while, far shorter than a lease.
story lease home-router --lifetime 8s symmetric-random -- \
	'$natprobe punch --code-file code --json --local-port 51820 --strategy port-mapping > a.json || exit
	port=$(jq -r ".trials[0].path.outer | split(\":\")[1]" a.json)
	for try in $(seq 15); do
		sleep 1
		$natprobe map -q --no-compare --by pcp -e "$port" 4242/udp > first && break
	done; echo $? > statuses
	$natprobe map -q --no-compare --by pcp -e "$port" 4243/udp > second; echo $? >> statuses
	$natprobe map -q -d 4242/udp > deleted' -- \
	'$natprobe punch --code-file code --json --strategy port-mapping > b.json'

# Two people, who type.
story demo home-router home-router -- \
	'(echo a; until grep -q goes b; do sleep 0.1; done; echo hello; echo again; sleep 1) |
		$natprobe demo > a' -- \
	'until code=$(grep -o "[0-9]*-[a-z]*-[a-z]*-[a-z]*" a); do sleep 0.1; done 2> err
	(echo c; echo wrong; echo "$code"; until grep -q left b; do sleep 0.1; done) | $natprobe demo > b'

# One of them dies in the middle.
story killed home-router home-router -- \
	'$natprobe punch --code-file code --json --trials 30 > a.json; echo "$?" > a; date +%s > end' -- \
	'$natprobe punch --code-file code --trials 30 > b & dies=$!
	until grep -q "^trial 2" b; do sleep 0.1; done; sleep 0.4; kill -9 $dies; date +%s > death'

story alone home-router home-router -- \
	'$natprobe punch --code-file code --wait 15s; echo $? > a
	$natprobe punch --code-file code -r http://20.0.0.77/ --wait 1s; echo $? > b' -- \
	'$natprobe interfaces --json > interfaces.json'
}

# --- both sides report one path, and agree about it ---
ended json 0
[ "$(of a '.trials[0].strategy')" = "$(of b '.trials[0].strategy')" ] || fail "two strategies"
[ "$(of a .role)" != "$(of b .role)" ] || fail "both are $(of a .role)"
[ "$(of a '.trials[0].path.outer')" = "$(of b '.trials[0].path.remote')" ] || fail "two paths"
[ "$(of b '.trials[0].path.outer')" = "$(of a '.trials[0].path.remote')" ] || fail "two paths"
jq -es '.[0].trials[0] as $a | .[1].trials[0] as $b |
	($a.quality.rtt_median_ms - $b.quality.rtt_median_ms | fabs) <=
		$a.quality.rtt_error_ms + $b.quality.rtt_error_ms and
	($a.to_path_ms - $b.to_path_ms | fabs) <= ([$a.to_path_error_ms, $b.to_path_error_ms] | max) and
	$a.quality.answered > 0 and $b.quality.answered > 0' \
	"$tmp/json/a.json" "$tmp/json/b.json" > /dev/null ||
	fail "times: $(cat "$tmp/json/a.json" "$tmp/json/b.json")"

# --- other ways to give a code ---
ended own-code 0
for side in a b; do
	jq -e '.trials | length == 3 and all(.strategy != "none")' "$tmp/own-code/$side.json" > /dev/null ||
		fail "three trials: $(cat "$tmp/own-code/$side.json")"
done
ended argv 0
grep -q 'punch --quiet xxxx' "$tmp/argv/cmdline" || fail "argv: $(cat "$tmp/argv/cmdline")"
! grep -q secret "$tmp/argv/cmdline" || fail "the code is in argv: $(cat "$tmp/argv/cmdline")"

# --- a wrong one ---
ended wrong 0
[ "$(cat "$tmp/wrong/a" "$tmp/wrong/b" | xargs)" = "1 1" ] || fail "wrong code: $(cat "$tmp/wrong/err")"
grep -q 'another code' "$tmp/wrong/err" || fail "wrong code: $(cat "$tmp/wrong/err")"
! grep -q abbey "$tmp/wrong/err" || fail "the code is on stderr: $(cat "$tmp/wrong/err")"

# --- the path is handed over ---
ended connect 0
[ "$(grep -o 'data went both ways' "$tmp/connect/out" | wc -l)" = 2 ] || fail "connect: $(cat "$tmp/connect/out")"
ended fails 0
[ "$(cat "$tmp/fails/a" "$tmp/fails/b" | xargs)" = "1 0" ] || fail "fails: $(cat "$tmp/fails/err")"

# --- by address ---
ended accept 0
[ "$(wc -l < "$tmp/accept/address")" = 1 ] || fail "an address is one line"
[ "$(stat -c %a "$tmp/accept/state/natprobe/key")" = 600 ] || fail "others may read the key"
[ "$(jq -s 'map(.trials[] | select(.strategy != "none")) | length' "$tmp/accept/a.json")" = 3 ] ||
	fail "two inviters: $(cat "$tmp/accept/a.json")"

# --- the relay ---
ended relay 0
jq -es 'all(.[].trials[0]; .strategy == "relay" and .path.relayed)' \
	"$tmp/relay/a.json" "$tmp/relay/b.json" > /dev/null || fail "relay: $(cat "$tmp/relay/a.json")"

# --- the port of a gateway ---
ended lease 0
[ "$(jq -r '.trials[0].strategy' "$tmp/lease/a.json")" = port-mapping ] ||
	fail "no port was opened: $(cat "$tmp/lease/a.json")"
[ "$(jq -r '.trials[0].path | [.local, .local_port, .local_port_why] | map(tostring | sub(".*:"; "")) | join(" ")' \
	"$tmp/lease/a.json")" = "51820 51820 null" ] ||
	fail "the port that was opened is another one: $(cat "$tmp/lease/a.json")"
[ "$(head -n 1 "$tmp/lease/statuses")" = 0 ] ||
	fail "its port is not closed: $(cat "$tmp/lease/"{first,err})"
[ "$(tail -n 1 "$tmp/lease/statuses")" != 0 ] ||
	fail "the gateway grants a port twice, and proves nothing: $(cat "$tmp/lease/second")"

# --- talking ---
ended demo 0
[ "$(grep '^them: ' "$tmp/demo/b" | xargs)" = "them: hello them: again" ] ||
	fail "demo: $(cat "$tmp/demo/a" "$tmp/demo/b")"
grep -q 'The other side has left' "$tmp/demo/b" || fail "demo: $(cat "$tmp/demo/b")"

# --- nobody there, and nowhere to meet ---
ended killed 0
took=$(($(cat "$tmp/killed/end") - $(cat "$tmp/killed/death")))
{ [ $took -le 30 ] && [ "$(cat "$tmp/killed/a")" = 0 ] &&
	jq -e '.trials | length >= 2 and length <= 4' "$tmp/killed/a.json" > /dev/null; } ||
	fail "$took s after the other side died: $(cat "$tmp/killed/a.json")"

ended alone 0
[ "$(cat "$tmp/alone/a" "$tmp/alone/b" | xargs)" = "4 3" ] ||
	fail "alone: $(cat "$tmp/alone/a" "$tmp/alone/b" "$tmp/alone/err")"
jq -e '.paths[0] | .mapping == "endpoint-independent" and .local == "192.168.1.2"' \
	"$tmp/alone/interfaces.json" > /dev/null || fail "$(cat "$tmp/alone/interfaces.json")"

# --- mistakes ---
for command in punch connect address interfaces demo; do
	says 0 "natprobe $command" "$command" --help
done
says 2 'short' punch short
says 2 'no code' punch -
says 2 'no such strategy' punch --strategy magic
says 2 'write https' punch --rendezvous ftp://nowhere/
says 2 'which program' connect 12-abbey-abbey-abbey
says 2 'no such program' connect 12-abbey-abbey-abbey -- ./nowhere
says 2 'NATPROBE_SECRET' connect 12-abbey-abbey-abbey -- prog %secret%
says 2 'takes no code' punch --accept 12-abbey-abbey-abbey
says 2 'needs no code' punch --code-file "$tmp/key" natkit:abc
says 2 'address' punch natkit:abc
# Nor is the code seen while somebody is asked for a password.
python3 - "$natprobe" > "$tmp/out" <<'END' || fail "no password is asked for, or the code is seen: $(cat "$tmp/out")"
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], ["natprobe", "punch", "--turn", "turn:192.0.2.1", "--user", "ann",
                           "12-abbey-abbey-abbey"])
heard = b""
while b"Password" not in heard:
    heard += os.read(fd, 100)
words = open(f"/proc/{pid}/cmdline").read()
os.close(fd)
os.waitpid(pid, 0)
print(words.replace("\0", " "))
sys.exit("abbey" in words)
END
printf 'not a key\n' > "$tmp/key"
chmod 600 "$tmp/key"
says 2 'no key' address --key-file "$tmp/key"

exit "$failed"
