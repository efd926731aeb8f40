"""A rendezvous that passes on what is asked of another one, and keeps what is published to itself."""
import http.server
import socketserver
import sys
import urllib.error
import urllib.request

upstream = sys.argv[1].rstrip("/")


class Mute(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.reply(204, b"")

    def do_GET(self):
        try:
            with urllib.request.urlopen(upstream + self.path, timeout=90) as answer:
                self.reply(answer.status, answer.read())
        except OSError:
            self.reply(503, b"")

    def reply(self, status, body):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[2])), Mute).serve_forever()
