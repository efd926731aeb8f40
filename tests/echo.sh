#!/bin/bash
# echo.sh [INNER-IP INNER-PORT OUTER-IP OUTER-PORT PEER-IP PEER-PORT] - a program for both ends of
# natprobe connect: each greets the other one over UDP, and echoes its greeting. What is not signed
# with the secret that both were given is not believed, so that it ends well only where they are equal.
#
#	natprobe connect CODE -- tests/echo.sh
#
# Arguments are as natprobe hands them over; with --fd N the socket is taken as it is. Exit status 0:
# data went both ways.
set -u

command -v python3 > /dev/null || { echo "echo.sh: python3 is missing" >&2; exit 1; }
[ -n "${NATPROBE_SECRET:-}" ] || { echo "echo.sh: run me by natprobe connect" >&2; exit 1; }
exec python3 - "$@" << 'PROGRAM'
import hashlib, hmac, os, socket, sys, time

GREET_S, LIMIT_S, LINGER_S = 0.1, 10, 1
key = bytes.fromhex(os.environ["NATPROBE_SECRET"])
role = os.environ["NATPROBE_ROLE"]
their_role = "b" if role == "a" else "a"


def sign(text):
    return text.encode() + b" " + hmac.new(key, text.encode(), hashlib.sha256).hexdigest().encode()


def read(data):
    text, _, mark = data.rpartition(b" ")
    want = hmac.new(key, text, hashlib.sha256).hexdigest().encode()
    return text.decode("utf-8", "replace") if hmac.compare_digest(mark, want) else None


def endpoint(text):
    ip, _, port = text.rpartition(":")
    return ip.strip("[]"), int(port)


def open_socket():
    if "NATPROBE_FD" in os.environ:
        return socket.socket(fileno=int(os.environ["NATPROBE_FD"]))
    ip, port = sys.argv[1], int(sys.argv[2])
    s = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((ip, port))
    return s


peer = endpoint(os.environ["NATPROBE_PEER"])
s = open_socket()
s.settimeout(GREET_S)
greeting = "hello from %s, %d" % (role, os.getpid())
is_heard = is_echoed = False
end = time.monotonic() + LIMIT_S
foreign = 0
while time.monotonic() < end:
    try:
        s.sendto(sign(greeting), peer)
        data, source = s.recvfrom(2048)
    except OSError:  # nothing came yet, or an ICMP error about what was sent too early
        time.sleep(0.01)
        continue
    text = read(data)
    if text is None:
        foreign += 1
    elif text == "echo: " + greeting:
        is_echoed = True
    elif text.startswith("hello from " + their_role):
        is_heard = True
        s.sendto(sign("echo: " + text), source)
    if is_heard and is_echoed and end > time.monotonic() + LINGER_S:
        end = time.monotonic() + LINGER_S  # the other side may want an echo still
if foreign > 0:
    print("echo.sh: %d datagrams of others, or with another secret" % foreign, file=sys.stderr)
if is_heard and is_echoed:
    print("echo.sh: data went both ways, and the secrets are equal")
    sys.exit(0)
sys.exit("echo.sh: heard %s, echoed %s, %d datagrams of others or with another secret"
         % (is_heard, is_echoed, foreign))
PROGRAM
