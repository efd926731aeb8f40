#!/usr/bin/python3
"""whole_lines.py COMMAND... - runs it, and fails where it writes less than a line to stderr at once.

Two programs that share a terminal mix what they write in pieces.
"""

import socket
import subprocess
import sys

ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
with subprocess.Popen(sys.argv[1:], stderr=theirs) as process:
    theirs.close()
    pieces = list(iter(lambda: ours.recv(65536), b""))
sys.stderr.write(b"".join(pieces).decode())
if not pieces or not all(piece.endswith(b"\n") for piece in pieces):
    sys.exit(f"{len(pieces)} writes, and not of whole lines: {pieces}")
sys.exit(process.returncode)
