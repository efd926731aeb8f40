"""A rendezvous that lies: stands before stund's, and does to the messages what it is told.

	python3 rendezvous_liar.py HOST:PORT UPSTREAM-HOST:PORT HOW [RECORD]

HOW
	bad     loses every third message, sends others twice, late, and in another order, and puts
	        old ones and noise among them
	swap    gives what is published under one number to whoever waits for another one
	record  carries all, and writes what is published to RECORD, a line each: topic, hex
	replay  publishes what RECORD has, again and again, beside what it carries
	flood   answers each question with a full list of noise and of well-formed hellos
"""
import asyncio
import os
import random
import sys

listen, upstream, how = sys.argv[1:4]
record = sys.argv[4] if len(sys.argv) > 4 else None
random.seed(7)
published = []
count = 0


def end_of(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


async def read_message(reader):
    """A request or an answer: its head, and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head, await reader.readexactly(length)


async def ask(head, body):
    reader, writer = await asyncio.open_connection(*end_of(upstream))
    try:
        writer.write(head + body)
        await writer.drain()
        return await read_message(reader)
    finally:
        writer.close()


def topic_of(head):
    return head.split(b" ")[1].split(b"?")[0].rsplit(b"/v1/rendezvous/", 1)[1].decode()


async def publish(topic, body):
    head = f"POST /v1/rendezvous/{topic} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return await ask(head.encode(), body)


def hello():
    return b"nk\x01\x01" + os.urandom(16)


async def later(delay_s, topic, body):
    await asyncio.sleep(delay_s)
    await publish(topic, body)


def others(topic):
    """The number that is not this one, of the two that are in use."""
    names = {"natkit/c/21": "natkit/c/22", "natkit/c/22": "natkit/c/21"}
    return names.get(topic, topic)


async def on_post(head, body):
    """True: it is published as it is."""
    global count
    topic = topic_of(head)
    count += 1
    published.append((topic, body))
    if record is not None and how == "record":
        with open(record, "a") as out:
            out.write(f"{topic} {body.hex()}\n")
    if how == "bad":
        old = random.choice(published)
        asyncio.ensure_future(later(random.random(), old[0], old[1]))
        asyncio.ensure_future(later(random.random(), topic, os.urandom(random.randrange(1, 300))))
        if count % 3 != 0:
            asyncio.ensure_future(later(random.random() * 0.6, topic, body))
        return False
    if how == "swap":
        await publish(others(topic), body)
        return False
    return True


def noise_list():
    out, number = b"nkr1", 1 << 40
    while len(out) < 60000:
        body = hello() if random.random() < 0.5 else os.urandom(random.randrange(1, 500))
        number += 1
        out += number.to_bytes(8, "big") + bytes(8) + len(body).to_bytes(2, "big") + body
    return out


async def replay_all():
    while True:
        for line in open(record):
            topic, body = line.split()
            await publish(topic, bytes.fromhex(body))
        await asyncio.sleep(0.3)


async def serve(reader, writer):
    flooded = False
    try:
        while True:
            head, body = await read_message(reader)
            if head.startswith(b"POST") and not await on_post(head, body):
                answer = b"HTTP/1.1 204 No Content\r\n\r\n", b""
            elif head.startswith(b"GET") and how == "flood" and not flooded:
                flooded = True
                noise = noise_list()
                answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(noise)}\r\n\r\n".encode(), noise
            else:
                answer = await ask(head, body)
                flooded = False
            writer.write(answer[0] + answer[1])
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, *end_of(listen))
    if how == "replay":
        asyncio.ensure_future(replay_all())
    async with server:
        await server.serve_forever()


asyncio.run(main())
