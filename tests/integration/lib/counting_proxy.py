"""counting_proxy.py - stands before a server and counts what reaches it."""

import collections
import http.client
import http.server
import threading
import urllib.parse

from lib.loopback import Loopback

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "date",
              "server", "content-length"}


class CountingProxy(Loopback):
    """Forwards to `upstream`; `counts` is by "service:Operation"."""

    def __init__(self, upstream):
        self.upstream = urllib.parse.urlsplit(upstream).netloc
        self.lock = threading.Lock()
        self.counts = collections.Counter()

    def handler(self):
        return type("Bound", (Handler,), {"proxy": self})

    def taken(self):
        """The counts since the last time."""
        with self.lock:
            counts, self.counts = self.counts, collections.Counter()
            return counts

    def count(self, target):
        service = {"AmazonEC2ContainerServiceV20141113": "ecs",
                   "Logs_20140328": "logs"}
        name, _, operation = target.partition(".")
        with self.lock:
            self.counts["%s:%s" % (service.get(name, name), operation)] += 1


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy = None

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.proxy.count(self.headers.get("X-Amz-Target", "?.?"))
        upstream = http.client.HTTPConnection(self.proxy.upstream, timeout=20)
        upstream.request("POST", self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        data = answer.read()
        lines = ["HTTP/1.1 %d %s" % (answer.status, answer.reason),
                 "Content-Length: %d" % len(data)]
        lines += ["%s: %s" % pair for pair in answer.getheaders()
                  if pair[0].lower() not in HOP_BY_HOP]
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode() + data)
        upstream.close()
