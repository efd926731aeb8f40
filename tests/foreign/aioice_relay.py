"""Two ICE agents of aioice that reach each other through a relay only, and compare all data.

aioice_relay.py udp|tcp|tls SERVER PORT USER PASSWORD

Over TLS the certificate is verified: SSL_CERT_FILE names the authority. Prints "N messages" and
ends with 0 when each message arrived as it was sent, in both directions.
"""

import asyncio
import hashlib
import sys

import aioice

SIZES = [1, 2, 3, 4, 5, 100, 576, 1000, 1199, 1200]
REPEAT = 20


def message(number: int) -> bytes:
    size = SIZES[number % len(SIZES)]
    seed = hashlib.sha256(b"%d" % number).digest()
    return (seed * (size // len(seed) + 1))[:size]


def agent(controlling: bool, transport: str, server: str, port: int, user: str, password: str):
    return aioice.Connection(
        ice_controlling=controlling,
        components=1,
        use_ipv6=False,
        turn_server=(server, port),
        turn_username=user,
        turn_password=password,
        turn_ssl=transport == "tls",
        turn_transport="udp" if transport == "udp" else "tcp",
        transport_policy=aioice.TransportPolicy.RELAY,
    )


async def introduce(a, b) -> None:
    for candidate in a.local_candidates:
        if candidate.type != "relay":
            raise SystemExit(f"a {candidate.type} candidate")
        await b.add_remote_candidate(candidate)
    await b.add_remote_candidate(None)
    b.remote_username = a.local_username
    b.remote_password = a.local_password


async def send_all(to, count: int) -> None:
    for number in range(count):
        await to.send(message(number))
        if number % 10 == 9:
            await asyncio.sleep(0.005)


async def take_all(at, count: int) -> None:
    got = sorted([await at.recv() for _ in range(count)])
    if got != sorted(message(number) for number in range(count)):
        raise SystemExit("what arrived is not what was sent")


async def main(transport: str, server: str, port: str, user: str, password: str) -> None:
    a = agent(True, transport, server, int(port), user, password)
    b = agent(False, transport, server, int(port), user, password)
    count = len(SIZES) * REPEAT
    await asyncio.gather(a.gather_candidates(), b.gather_candidates())
    await introduce(a, b)
    await introduce(b, a)
    await asyncio.gather(a.connect(), b.connect())
    await asyncio.gather(send_all(a, count), send_all(b, count), take_all(a, count),
                         take_all(b, count))
    await asyncio.gather(a.close(), b.close())
    print(2 * count, "messages")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 20))
