#!/usr/bin/python3
"""aiortc_peer.py TALK ROLE [stranger] - a WebRTC peer (python3-aiortc) for transport_talk, on loopback.

ROLE is that of ICE, controlling or controlled. Both make the names and the password of ICE out of
a key, and tell each other a port and the fingerprint of their certificate; a stranger's is not the
one that was told.
"""
import asyncio
import hashlib
import hmac
import secrets
import string
import sys

import aioice.ice
from aiortc import (RTCCertificate, RTCDataChannel, RTCDataChannelParameters, RTCDtlsFingerprint,
                    RTCDtlsParameters, RTCDtlsTransport, RTCIceCandidate, RTCIceGatherer,
                    RTCIceParameters, RTCIceTransport, RTCSctpCapabilities, RTCSctpTransport)

CHARS = string.ascii_uppercase + string.ascii_lowercase + string.digits + '+/'
LONG = bytes(i * 13 % 256 for i in range(60000))
MESSAGES = ['Καλημέρα', LONG, '', b'', b'\x00\xff', 'the end']

aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ['127.0.0.1']


def word(key, label, length):
    """What check_keys_make of natprobe makes (doc/punch.md)."""
    root = hmac.new(bytes(32), key, hashlib.sha256).digest()
    block = hmac.new(root, label.encode() + b'\x01', hashlib.sha256).digest()
    return ''.join(CHARS[byte % 64] for byte in block[:length])


def colons(fingerprint):
    return ':'.join(fingerprint[i:i + 2] for i in range(0, 64, 2)).upper()


class Peer:
    def __init__(self, talk, role, is_stranger):
        self.talk = talk
        self.is_stranger = is_stranger
        self.controlling = role == 'controlling'
        self.key = secrets.token_bytes(32)
        self.lines = []
        self.theirs = None
        self.got = []
        self.done = asyncio.Event()
        self.closed = asyncio.Event()

    async def read(self):
        while line := await self.talk_process.stdout.readline():
            self.lines.append(line.decode().strip())

    async def start(self):
        other = 'b' if self.controlling else 'a'
        self.talk_process = await asyncio.create_subprocess_exec(
            self.talk, self.key.hex(), other, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE)
        port, fingerprint = (await self.talk_process.stdout.readline()).decode().split()
        mine, yours = ('A', 'B') if self.controlling else ('B', 'A')
        password = word(self.key, 'natkit check password', 32)
        gatherer = RTCIceGatherer(iceServers=[])
        gatherer._connection.local_username = word(self.key, 'natkit check name ' + mine, 8)
        gatherer._connection.local_password = password
        gatherer._connection.ice_controlling = self.controlling
        await gatherer.gather()
        self.ice = RTCIceTransport(gatherer)
        self.dtls = RTCDtlsTransport(self.ice, [RTCCertificate.generateCertificate()])
        self.sctp = RTCSctpTransport(self.dtls)
        self.sctp.on('datachannel', self.on_channel)
        local = self.dtls.getLocalParameters().fingerprints[0].value.replace(':', '').lower()
        if self.is_stranger:
            local = '5a' * 32
        candidate = gatherer.getLocalCandidates()[0]
        self.talk_process.stdin.write(f'{candidate.port} {local}\n'.encode())
        await self.talk_process.stdin.drain()
        self.reader = asyncio.ensure_future(self.read())
        await self.ice.addRemoteCandidate(RTCIceCandidate(
            component=1, foundation='1', ip='127.0.0.1', port=int(port), priority=2130706431,
            protocol='udp', type='host'))
        await self.ice.addRemoteCandidate(None)
        await self.ice.start(RTCIceParameters(
            usernameFragment=word(self.key, 'natkit check name ' + yours, 8), password=password))
        await self.dtls.start(RTCDtlsParameters(fingerprints=[
            RTCDtlsFingerprint(algorithm='sha-256', value=colons(fingerprint))]))
        if self.dtls.state != 'connected':
            raise RuntimeError('DTLS is ' + self.dtls.state)
        await self.sctp.start(RTCSctpCapabilities(maxMessageSize=65536), 5000)

    def on_channel(self, channel):
        """One of natprobe's: all comes back."""
        assert (channel.label, channel.protocol) == ('ours', 'echo'), channel.label
        channel.on('message', channel.send)
        channel.on('close', self.closed.set)

    def on_message(self, message):
        self.got.append(message)
        if len(self.got) == len(MESSAGES):
            self.done.set()

    async def talk_with(self):
        channel = RTCDataChannel(self.sctp, RTCDataChannelParameters(label='theirs', protocol='chat'))
        channel.on('message', self.on_message)
        opened = asyncio.Event()
        channel.on('open', opened.set)
        await asyncio.wait_for(opened.wait(), 10)
        for message in MESSAGES:
            channel.send(message)
        await asyncio.wait_for(self.done.wait(), 20)
        assert self.got == MESSAGES, 'other messages came back'
        await asyncio.wait_for(self.closed.wait(), 10)
        channel.close()
        for _ in range(100):
            if 'theirs was closed' in self.lines:
                break
            await asyncio.sleep(0.05)

    async def stop(self):
        await self.sctp.stop()
        await self.dtls.stop()
        await asyncio.wait_for(self.talk_process.wait(), 10)
        await self.reader
        await self.ice.stop()


async def main():
    peer = Peer(sys.argv[1], sys.argv[2], 'stranger' in sys.argv[3:])
    if peer.is_stranger:
        starting = asyncio.ensure_future(peer.start())
        while not any(line.startswith('over: ') for line in peer.lines):
            await asyncio.sleep(0.05)
        starting.cancel()
        await peer.talk_process.wait()
        assert peer.lines == ['over: the other side is not the one that was promised'], peer.lines
        print('a stranger is refused')
        return
    await peer.start()
    await peer.talk_with()
    await peer.stop()
    for line in ('ready', 'channel theirs protocol chat', 'ours came back', 'theirs was closed'):
        assert line in peer.lines, peer.lines
    assert peer.talk_process.returncode == 0
    print('messages went both ways')

asyncio.run(asyncio.wait_for(main(), 45))
