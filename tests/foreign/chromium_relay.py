"""A page in headless Chromium that sends itself data through a relay: chromium_relay.html.

chromium_relay.py CHROMIUM HOME USER PASSWORD BYTES URL...

HOME is a fresh directory, with the trusted authority in its NSS database.
Prints what the page says: a line for each URL of the relay.
"""

import http.server
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import urllib.parse

PATIENCE_S = 40
PAGE = pathlib.Path(__file__).with_name("chromium_relay.html").read_bytes()


def serve(said: queue.Queue) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args) -> None:
            pass

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer(PAGE)

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.answer(b"")
            said.put(text)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main(chromium: str, home: str, user: str, password: str, size: str, *urls: str) -> None:
    said: queue.Queue = queue.Queue()
    server = serve(said)
    page = f"http://127.0.0.1:{server.server_port}/?" + urllib.parse.urlencode({
        "url": urls, "user": user, "password": password, "bytes": size,
        "patience_ms": (PATIENCE_S - 5) * 1000,
    }, doseq=True)
    log = pathlib.Path(home, "log")
    browser = subprocess.Popen(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", f"--user-data-dir={home}/profile", page],
        env={**os.environ, "HOME": home}, stdout=subprocess.DEVNULL, stderr=log.open("w"),
        start_new_session=True)
    try:
        print(said.get(timeout=PATIENCE_S))
    except queue.Empty:
        print("Chromium says nothing:", log.read_text(errors="replace")[-1000:])
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()


if __name__ == "__main__":
    if len(sys.argv) < 7:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
