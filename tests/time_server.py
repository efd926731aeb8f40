"""An SNTP server on loopback that tells this machine's time: stratum 1, and no error of its own."""
import socket
import struct
import sys
import time

EPOCH = 2208988800


def stamp():
    now = time.time_ns()
    return ((now // 10**9 + EPOCH) << 32) | ((now % 10**9) << 32) // 10**9


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    data, peer = server.recvfrom(512)
    received = stamp()
    if len(data) < 48:
        continue
    head = struct.pack("!BBbb", 4 << 3 | 4, 1, 4, -20)
    server.sendto(
        head + bytes(8) + b"TEST" + struct.pack("!Q", received) + data[40:48]
        + struct.pack("!QQ", received, stamp()), peer)
