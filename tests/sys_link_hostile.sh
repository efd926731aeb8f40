#!/bin/bash
# natprobe link against a peer who has the code and means no good, and against whoever can send datagrams to
# its path: names, sizes, silence, floods of streams, noise; DTLS and checks that are replayed or made up.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"

bin=$(cd "${builddir:-.}" && pwd)
natlab=$bin/tests/natlab/natlab
natprobe=$bin/natprobe/natprobe
lab_need jq python3
for tool in "$natlab" "$natprobe" "$bin/stund/stund"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
! "$natprobe" link --code-file /dev/null 2>&1 | grep -q 'built without' ||
	lab_skip "natprobe was built without libusrsctp"
why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset NATPROBE_SERVER NATPROBE_RENDEZVOUS NATPROBE_CODE NATPROBE_LINK
export natprobe natlab tmp

cat > "$tmp/hostile.py" << 'PROGRAM'
#!/usr/bin/env python3
"""hostile.py WHAT: what a program of the hostile side does over its link, or below it."""
import hashlib, json, os, select, socket, struct, sys, threading, time

def attach(line):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["XDG_RUNTIME_DIR"] + "/natprobe/default")
    s.settimeout(20)
    s.sendall(line + b"\n")
    return s

def line_of(s):
    got = b""
    while not got.endswith(b"\n"):
        c = s.recv(1)
        if not c:
            break
        got += c
    return got.decode()

# Those of a flood end one after the other: as the link says, it is tried again until some have.
def stream(service):
    for i in range(60):
        s = attach(b"connect " + service)
        answer = line_of(s)
        if "takes no more streams" not in answer:
            break
        time.sleep(0.5)
    assert answer == "ok\n", answer
    return s

def message(kind, body=b""):
    return bytes([kind]) + struct.pack(">I", len(body))[1:] + body

HELLO, OFFER, ENTRY, ACCEPT, FILE, DATA, HOLE = 1, 2, 3, 5, 6, 7, 8

def offer(name, size, told=None):
    entry = struct.pack(">BHQqI", 1, 0o644, size, 0, 0) + name
    return (message(HELLO, b"natkit-files\1\1") + message(OFFER, struct.pack(">IQ", 1, told or size)) +
            message(ENTRY, entry))

def rest(s):
    try:
        while s.recv(65536):
            pass
    except OSError:
        pass

def until_accepted(s):
    got = b""
    while message(ACCEPT) not in got:
        more = s.recv(4096)
        assert more
        got += more

def files(what):
    s = stream(b"files")
    if what == "names":
        s.sendall(offer(b"../escaped", 5))
    elif what == "escapes":
        s.sendall(offer(b"\x1b]0;owned\x07/..", 5))
    elif what == "sums":
        s.sendall(offer(b"sums", 5, 1 << 63))
    elif what == "sizes":
        s.sendall(offer(b"sizes", (1 << 40) + 1))
    elif what == "noise":
        s.sendall(b"\xff" * 100000)
    elif what == "more":
        s.sendall(offer(b"more", 10))
        until_accepted(s)
        s.sendall(message(FILE, struct.pack(">IQ", 0, 0)) + message(DATA, b"x" * 11))
    elif what == "hole":
        s.sendall(offer(b"hole", 10))
        until_accepted(s)
        s.sendall(message(FILE, struct.pack(">IQ", 0, 0)) + message(DATA, b"x") + message(HOLE, struct.pack(">Q", 10)))
    rest(s)

def targets():
    """Targets that nobody allowed, another one each time, and what is no message at all."""
    words = set()
    for i in range(60):
        s = stream(b"forward")
        host = b"host%d" % i
        ask = b"\1" + struct.pack(">HB", 22, len(host)) + host
        s.sendall(struct.pack(">H", len(ask)) + ask if i % 10 else b"\xff" * 300)
        words.add(s.recv(64)[3:].decode())
        s.close()
    print("targets:", *sorted(words))

def flood():
    """Streams that nobody takes, those of datagrams too; each is full of what nobody reads."""
    words = set()
    for kind in (b"", b" datagrams"):
        for begin in range(0, 150, 50):
            callers = [attach(b"connect flood%d" % (begin + i) + kind) for i in range(50)]
            for s in callers:
                words.update(line_of(s).split()[:1])
                s.setblocking(False)
                try:
                    s.send(b"\x03\xe8" + b"f" * 65536)
                except OSError:
                    pass
            if not kind:
                for s in callers:
                    s.close()
    assert words == {"ok", "error"}, words

def endpoint(text):
    ip, port = text.rsplit(":", 1)
    return socket.inet_aton(ip), int(port)

def inject():
    """All that was sent is sent again, and what was never said, from the very address of the path."""
    path = json.loads(attach(b"status").makefile().readline())["path"]
    (local, lport), (remote, rport) = endpoint(path["local"]), endpoint(path["remote"])
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to = (socket.inet_ntoa(remote), rport)

    def send(data):
        udp = struct.pack(">HHHH", lport, rport, 8 + len(data), 0) + data
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, local, remote)
        raw.sendto(head + udp, to)
        stranger.sendto(data, to)

    seen, end = [], time.monotonic() + 2
    while time.monotonic() < end and len(seen) < 150:
        if not select.select([ear], [], [], 0.1)[0]:
            continue
        p = ear.recv(2048)
        if len(p) > 28 and p[9] == 17 and p[12:16] == local and p[16:20] == remote and \
                struct.unpack(">HH", p[20:24]) == (lport, rport):
            seen.append(p[28:])
    kinds = {d[0] for d in seen}
    assert len(seen) > 20 and 23 in kinds, (len(seen), kinds)
    cookie = struct.pack(">I", 0x2112a442)
    for d in seen:
        send(d)
        send(d[:13] + os.urandom(len(d) - 13))              # the same head, another body
        send(bytes([21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 0]))        # a fatal alert
        send(struct.pack(">HH", 1, 0) + cookie + os.urandom(12))               # a request without a key
        send(struct.pack(">HH", 0x101, 0) + cookie + os.urandom(12))           # an answer to nothing
        send(struct.pack(">HH", 1, 24) + cookie + os.urandom(12) + struct.pack(">HH", 8, 20) + os.urandom(20))
        send(bytes([22, 254, 253]) + bytes(8) + struct.pack(">H", 60) + b"\1" + os.urandom(59))
        send(os.urandom(1 + os.urandom(1)[0]))

def bulk(meanwhile):
    s = stream(b"bulk")
    h = hashlib.sha256()
    t = threading.Thread(target=meanwhile)
    for i in range(200):
        if i == 20:
            t.start()
        data = os.urandom(4000)
        h.update(data)
        s.sendall(data)
        time.sleep(0.01)
    t.join()
    s.shutdown(socket.SHUT_WR)
    print("equal" if s.makefile("rb").read().decode() == h.hexdigest() else "DIFFERENT")

def take():
    s = attach(b"accept bulk")
    f = s.makefile("rb")
    assert f.readline() == b"ok\n"
    h = hashlib.sha256()
    while data := f.read1(65536):
        h.update(data)
    s.sendall(h.hexdigest().encode())
    s.close()

def stall():
    """Streams that are begun, and then nothing."""
    s = stream(b"files")
    s.sendall(message(HELLO, b"natkit-files\1\1") + message(OFFER, struct.pack(">IQ", 1, 5))[:7])
    s.settimeout(60)
    open("stalled", "w").close()
    rest(s)

def line():
    """A first line without an end, and more callers than may wait."""
    callers = []
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["XDG_RUNTIME_DIR"] + "/natprobe/default")
    s.settimeout(5)
    try:
        for _ in range(100):
            s.sendall(b"a" * 65536)
    except OSError:
        pass
    for _ in range(500):
        c = socket.socket(socket.AF_UNIX)
        c.connect(os.environ["XDG_RUNTIME_DIR"] + "/natprobe/default")
        callers.append(c)
    time.sleep(0.2)
    print(sum(1 for c in callers if not select.select([c], [], [], 0)[0]), "callers wait")
    for c in callers:
        c.close()
    time.sleep(0.2)

what = sys.argv[1]
run = {"flood": flood, "targets": targets, "inject": lambda: bulk(inject), "take": take, "stall": stall, "line": line}
run.get(what, lambda: files(what))()
PROGRAM

cat > "$tmp/side" << 'SIDE'
hostile() { python3 "$tmp/hostile.py" "$@"; }
# await COMMAND...: until it succeeds, 40 s at most.
await() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" 2> /dev/null && return
		sleep 0.1
	done
	echo "not in time: $*"
	return 1
}
status() {
	python3 -c 'import os, socket
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["XDG_RUNTIME_DIR"] + "/natprobe/default")
s.sendall(b"status\n")
print(s.makefile().readline())'
}
# Not by jq -e: some versions of it are content with no answer at all.
is_up() { [ "$(status | jq .up)" = true ]; }
export XDG_RUNTIME_DIR=$PWD/$1
mkdir -p -m 700 "$1"
"$natprobe" link --ipv4 my-own-long-code > "$1.link" 2>&1 & link=$!
await test -S "$1/natprobe/default"
await is_up
lies='names escapes sums sizes noise more hole'
SIDE

# --- a sender that lies, and one that falls silent ---
# --- the link serves on after a flood of streams ---
cat > "$tmp/a.sh" << 'SIDE'
. "$tmp/side" a
mkdir out
for lie in $lies; do
	timeout 90 "$natprobe" receive --quiet --yes -o out > "said-$lie" 2>&1
	echo "$lie: $?"
done
timeout 90 "$natprobe" receive --quiet --yes -o out > said-stall 2>&1 & receive=$!
"$natprobe" forward --quiet --allow localhost:22 > said-targets 2>&1 & forward=$!
hostile take
kill -0 "$receive" && echo "stall: waits"
await test -e done-b
status | jq -r '"paths: \(.paths), \(.up)"'
kill "$receive" "$forward" "$link"
wait "$link"
echo "a: $?"
SIDE

# --- a line without an end, and callers without number ---
# --- what was sent is sent again, and what was never said, from the path's own address ---
cat > "$tmp/b.sh" << 'SIDE'
. "$tmp/side" b
for lie in $lies; do
	hostile "$lie"
done
hostile stall & stall=$!
await test -e stalled
hostile targets
hostile flood || echo "flood: $?"
hostile line
hostile inject
touch done-b
kill "$stall"
await grep -q left b.link
kill "$link"
wait "$link"
SIDE

cd "$tmp" || exit 1
timeout 150 "$natlab" pair --dir "$tmp/lab" open-internet full-cone -- "bash $tmp/a.sh" -- "bash $tmp/b.sh" > log 2>&1 ||
	fail "the sides ended with $?"
diff - <(sort log) << 'EXPECTED' || fail "$(tail -n 20 said-* ./*.link)"
32 callers wait
a: 0
equal
escapes: 1
hole: 1
more: 1
names: 1
noise: 1
paths: 1, true
sizes: 1
stall: waits
sums: 1
targets: not-allowed protocol
EXPECTED
# says WHAT SENTENCE: so the receiver refused it.
says() {
	grep -qF "$2" "said-$1" || fail "$1: $(cat "said-$1")"
}
says names 'has a component "." or ".."'
says escapes '\x1b]0;owned\x07/..'
says sums 'do not add up'
says sizes 'has a size that cannot be'
says noise 'no message of natprobe send'
says more 'sends more than it told'
says hole 'sends more than it told'
says targets 'asked for host1:22, which is not allowed; --allow host1:22 would'
[ "$(grep -c . said-targets)" -le 16 ] || fail "one line for each target: $(wc -l said-targets)"
! grep -q $'[\x01-\x08\x0b-\x1f\x7f]' said-* || fail "what the other side wrote came to the terminal"
[ -z "$(find out -type f ! -name ".*-part"; ls -d escaped 2> /dev/null)" ] || fail "files came: $(find .)"
exit "$failed"
