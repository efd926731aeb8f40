#!/bin/bash
# The examples of doc/link.md, and its lines for socat, against a link that answers "ok" and is the
# other side itself.
set -u
bin=${builddir:-.}
server=$bin/tests/echo-server client=$bin/tests/echo-client

fail() {
	echo "$*" >&2
	exit 1
}

skip() {
	echo "$*" >&2
	exit 77
}

for program in "$server" "$client"; do
	[ -x "$program" ] || skip "$program is not built"
done
for program in socat python3; do
	command -v $program > /dev/null || skip "$program is not installed"
done
tmp=$(mktemp -d)
pids=()

clean_up() {
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2> /dev/null
	wait
	rm -rf "$tmp"
}
trap clean_up EXIT

# What the other side does with a program that connects: gives back what it says. With one that
# accepts: says two words, and keeps what comes back; whoever accepts after that waits for good.
cat > "$tmp/far" << 'END'
import os, socket, sys, threading, time

tmp = sys.argv[1]

def rest(s):
    data = b""
    while piece := s.recv(65536):
        data += piece
    return data

def serve(s):
    line = b""
    while not line.endswith(b"\n"):
        line += s.recv(1)
    if line == b"connect echo\n":
        s.sendall(b"ok\n")
        while piece := s.recv(65536):
            s.sendall(piece)
    elif line == b"accept echo\n":
        try:
            os.mkdir(tmp + "/served")
        except FileExistsError:
            s.recv(1)
            return
        s.sendall(b"ok\none ")
        time.sleep(0.1)
        s.sendall(b"two\n")
        s.shutdown(socket.SHUT_WR)
        with open(tmp + "/echoed.new", "wb") as f:
            f.write(rest(s))
        os.rename(tmp + "/echoed.new", tmp + "/echoed")
    else:
        s.sendall(b"error usage " + line)
    s.close()

listener = socket.socket(socket.AF_UNIX)
listener.bind(tmp + "/link")
listener.listen(8)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
END

# soon WHAT COMMAND...: it comes true within five seconds.
soon() {
	for ((i = 0; i < 600; i++)); do
		"${@:2}" && return
		sleep 0.02
	done
	fail "never: $1"
}

link=$tmp/link
python3 "$tmp/far" "$tmp" 2> "$tmp/err" &
pids+=($!)
soon "a socket" test -S "$link"

got=$(printf 'hello\nworld\n' | timeout 60 "$client" "$link" echo) || fail "the client: $?"
[ "$got" = $'hello\nworld' ] || fail "the client got: $got"
head -c 1000000 /dev/urandom > "$tmp/much"
timeout 60 "$client" "$link" echo < "$tmp/much" > "$tmp/back" || fail "the client with much: $?"
cmp "$tmp/much" "$tmp/back" || fail "much came back otherwise"
timeout 60 "$client" "$link" other < /dev/null 2> "$tmp/why" && fail "the client was let in"
grep -q '^error usage connect other$' "$tmp/why" || fail "the client says: $(cat "$tmp/why")"
timeout 60 "$client" "$tmp/none" echo < /dev/null 2> "$tmp/why" && fail "a link that is none"

# As doc/link.md has them.
got=$({ echo connect echo; echo hello; } | timeout 60 socat -t 3600 - "UNIX-CONNECT:$link")
[ "$got" = $'ok\nhello' ] || fail "socat as a client got: $got"

"$server" "$link" echo 2> "$tmp/why" &
pids+=($!)
soon "what the server gives back" test -f "$tmp/echoed"
[ "$(cat "$tmp/echoed")" = 'one two' ] || fail "the server gave back: $(cat "$tmp/echoed")"

rm -r "$tmp/served" "$tmp/echoed"
socat -t 3600 "UNIX-CONNECT:$link" SYSTEM:'echo accept echo; read -r answer; cat' &
pids+=($!)
soon "what socat gives back" test -f "$tmp/echoed"
[ "$(cat "$tmp/echoed")" = 'one two' ] || fail "socat gave back: $(cat "$tmp/echoed")"
echo "programs attach to a link, and talk through it"
