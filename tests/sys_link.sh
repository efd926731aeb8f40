#!/bin/bash
# natprobe link: two real programs behind NATs of natlab keep a path for the programs that attach to them,
# across a NAT that is rebooted, an address that changes, and a side that is started again.
#
#	sys_link.sh --full     without a rendezvous for a while as well (NATKIT_FULL=1)
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin jq python3 socat
lab_need_sctp "$natprobe"

# What the sides of a story have in common; each is a shell in a folder of its own.
cat > "$tmp/side" << 'SIDE'
. "$side"
# begin SIDE [NAME [OPTION...]]: a link, whose sockets are in SIDE; BY: how it meets, if not by a code.
begin() {
	export XDG_RUNTIME_DIR=$PWD/$1
	mkdir -p -m 700 "$1"
	local name=${2:-default}
	"$natprobe" link --name "$name" ${BY:---code-file code-$name} "${@:3}" > "$1-$name.out" 2> "$1-$name.err" &
	links+=($!)
	await test -S "$1/natprobe/$name"
}
end() {
	kill "${links[@]}"
	wait "${links[@]}" || echo "a link ended with $?"
}
# attach NAME: the socket, for socat.
attach() { echo "UNIX-CONNECT:$XDG_RUNTIME_DIR/natprobe/$1"; }
ask() { echo "$2" | socat -t 20 - "$(attach "$1")"; }
# Not by jq -e: some versions of it are content with no answer at all.
is_up() { [ "$(ask "${1:-default}" status | jq .up)" = true ]; }
# done_at SIDE: tells the other side; await_done SIDE.
done_at() { touch "done-$1"; }
await_done() { await test -e "done-$1"; }
links=()
SIDE

# Writes down what it hears in a stream to SERVICE, and answers with its hash.
cat > "$tmp/taker" << 'PROGRAM'
#!/usr/bin/env python3
import hashlib, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["XDG_RUNTIME_DIR"] + "/natprobe/default")
s.sendall(b"accept bulk\n")
f = s.makefile("rb")
assert f.readline() == b"ok\n"
h = hashlib.sha256()
while data := f.read1(65536):
    h.update(data)
s.sendall(h.hexdigest().encode())
s.close()
PROGRAM
# giver COMMAND...: 12 MB with a pace; the command runs in the middle.
cat > "$tmp/giver" << 'PROGRAM'
#!/usr/bin/env python3
import hashlib, os, socket, subprocess, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["XDG_RUNTIME_DIR"] + "/natprobe/default")
s.sendall(b"connect bulk\n")
f = s.makefile("rb")
assert f.readline() == b"ok\n"
h = hashlib.sha256()
for i in range(120):
    if i == 40:
        subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
    data = os.urandom(100000)
    h.update(data)
    s.sendall(data)
    time.sleep(0.01)
s.shutdown(socket.SHUT_WR)
print("equal" if f.read().decode() == h.hexdigest() else "DIFFERENT")
PROGRAM
# The interface loses the address that it has, and keeps its second one.
cat > "$tmp/move" << 'PROGRAM'
#!/bin/sh -e
gateway=$(ip route show default | awk '{ print $3 }')
second=$(ip -4 -o address show dev eth0 | awk 'NR == 2 { print $4 }')
ip address flush dev eth0 scope global
ip address add "$second" dev eth0
ip route replace default via "$gateway" dev eth0
PROGRAM
chmod +x "$tmp"/{taker,giver,move}

full=${NATKIT_FULL:-0}
[ "${1:-}" != --full ] || full=1

# linked NAME PROFILES-AND-OPTIONS... -- SCRIPT-A -- SCRIPT-B: a story of two links.
linked() {
	local words=("${@:2}")

	story "$1" "${words[@]:0:$#-5}" -- \
		"bash -c '. $tmp/side; ${words[-3]}'" -- "bash -c '. $tmp/side; ${words[-1]}'"
}

# told NAME LINE...: it ends with status 0, and with lines that are in the output, and no other ones.
told() {
	local name=$1

	shift
	ended "$name" 0
	diff <(printf '%s\n' "$@" | sort) <(sort "$tmp/$name"/{out,err}) ||
		fail "$name: that is what it said: $(tail -n 30 "$tmp/$name"/{*.out,*.err})"
}

# shellcheck disable=SC2016	# the shells inside expand these
{
# Programs of one side before the other side's, and behind them; two links, each of a name; ports of
# loopback; and what a link says when it is there already, and of itself.
# attached: the socket is its owner's alone (the modes at its end).
linked attached home-router full-cone -- '
	begin a default --listen-read 10200; begin a two
	socat -t 30 "$(attach default)" SYSTEM:"echo accept early; read ok; cat" &
	await is_up; await is_up two; done_at a
	(echo accept late; sleep 1) | socat -t 30 - "$(attach default)" > late
	(echo join both; echo of-a; sleep 1) | socat -t 30 - "$(attach two)" > both-a
	grep -x of-b both-a; tail -n 1 late
	socat -u TCP:127.0.0.1:10200 - ; await_done b
	"$natprobe" link --name two --code-file other 2>&1; echo "twice: $?"
	end' -- '
	begin b default --listen-write 10100; begin b two; await_done a
	(echo connect early; echo from-b; sleep 0.5) | socat -t 30 - "$(attach default)" | tail -n 1
	(echo connect late; echo too-late) | socat -t 30 - "$(attach default)" > /dev/null
	(echo join both; echo of-b; sleep 1) | socat -t 30 - "$(attach two)" > both-b
	grep -x of-a both-b
	echo by-port | socat -u - TCP:127.0.0.1:10100
	ask default status | jq -c "[.name, .up, .path.strategy, .paths, (.rtt_ms > 0), (.mtu > 1200)]"
	stat -c %a b/natprobe b/natprobe/default; done_at b
	await sh -c "! test -e a/natprobe/default"
	end; ls b/natprobe'

# The NAT forgets its mappings, and is away for a second.
linked reboot home-router full-cone -- '
	begin a; "$tmp/taker"; await_done b; end; ask default status > /dev/null 2>&1 || echo gone' -- '
	begin b; "$tmp/giver" "$natlab" event nat-b reboot; ask default status | jq .paths; done_at b; sleep 1; end'

# Another address: the diagnosis is made anew, and the meeting.
linked moved --second-address home-router home-router -- '
	begin a; "$tmp/taker"; await_done b; end' -- '
	begin b; "$tmp/giver" "$tmp/move"; ask default status | jq .paths
	ask default status | jq -r ".path.local | split(\":\")[0]"; done_at b; end'

# A side that was killed comes again with the same code; its name is free, though its socket is there.
linked killed home-router full-cone -- '
	begin a; await is_up; done_at a; await grep -q away a-default.out; await is_up; done_at a2
	(echo accept again; sleep 1) | socat -t 30 - "$(attach default)" | tail -n 1; await_done b; end' -- '
	await test -s code-default; begin b; await is_up; await_done a; { kill -9 "${links[@]}"; wait; } 2> /dev/null; links=()
	rm -f done-a; test -S b/natprobe/default && echo stale; sleep 0.2
	begin b; await_done a2; await is_up
	(echo connect again; echo back; sleep 0.5) | socat -t 30 - "$(attach default)" > /dev/null; done_at b; end'

# By a relay of ours.
linked relay open-internet home-router -- '
	relay_begin
	begin a default --strategy relay --turn "turn:$at" --user ann; "$tmp/taker"
	ask default status | jq -c "[.path.strategy, .path.relayed]"; done_at a; await_done b; end; kill $turnd_pid' -- '
	begin b default --strategy relay; "$tmp/giver" true; await_done a; done_at b; end'

# By an address, over TCP alone; the side that invites is told to end by the other signal.
linked address udp-blocked home-router -- '
	until [ -s address ]; do sleep 0.1; done; BY=$(cat address) begin a; "$tmp/taker"; await_done b
	kill -INT "${links[@]}"; wait "${links[@]}"; echo "a ended with $?"' -- '
	export XDG_STATE_HOME=$PWD/state; "$natprobe" address > part && mv part address
	BY=--accept begin b; "$tmp/giver" true
	ask default status | jq -r .path.transport; done_at b; await grep -q "left; waiting for it, ^C" b-default.out; end'

# The rendezvous is away while a path is to be made again.
[ "$full" != 1 ] || linked away open-internet full-cone -- '
	at=$(ip -4 -o address show eth0 | sed "s|.*inet \([0-9.]*\)/.*|\1|"); echo "$at" > at
	export NATPROBE_RENDEZVOUS=http://$at:8000/
	serve() { "$stund" --listen="$at" --rendezvous="$at:8000" --no-self-check >> log 2>&1 & pid=$!; }
	serve; begin a; "$tmp/taker" & taker=$!; await test -e rebooting
	kill $pid; sleep 15; serve; wait $taker; await_done b; end; kill $pid' -- '
	until [ -s at ]; do sleep 0.1; done; export NATPROBE_RENDEZVOUS=http://$(cat at):8000/; begin b
	"$tmp/giver" sh -c "touch rebooting; sleep 1; $natlab event nat-b reboot"; done_at b; end'
}

told attached from-b of-a of-b too-late by-port '["default",true,"direct",1,true,true]' 700 600 \
	'natprobe: link: a link "two" runs here already; give this one another name with --name' 'twice: 1'
told reboot equal 2 gone
told moved equal 2 192.168.1.3
told killed stale back
told relay equal '["relay",true]'
[ "$full" != 1 ] || told away equal
told address equal tcp 'a ended with 0'
exit "$failed"
