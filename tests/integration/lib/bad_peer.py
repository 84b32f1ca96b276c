"""bad_peer.py - a service that acts on a request and then answers badly.

It speaks as much of ECS as double.py knows, on bare sockets, since what is
wrong with its answers is below HTTP. What was asked and what was applied are
counted apart. Faults are the functions named ends_*; each is told to happen
for the next requests with a key ("ecs:UpdateService", "notify", "http").
"""

import gzip
import json
import socket
import struct
import sys
import threading
import time
from email.utils import formatdate

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from double import Ecs, Refused  # noqa: E402

GIB = 1 << 30
OK = "HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(b" " * (64 << 20), 9)  # eight times what is taken


class Gone(Exception):
    """The client closed or reset."""


class Request:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = lines[0].split(" ")
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = body
        target = self.headers.get("x-amz-target", "")
        self.key = ("ecs:" + target.partition(".")[2] if target else
                    "notify" if self.path.startswith("/hook/") else "http")

    @property
    def args(self):
        return json.loads(self.body) if self.body else {}


class Peer:
    """`with Peer() as peer`; `wrap` makes a TLS server of it."""

    def __init__(self, wrap=None):
        self.wrap = wrap
        self.lock = threading.RLock()
        self.ecs = Ecs()
        self.seen, self.applied, self.faults = [], [], []
        self.sent = 0           # bytes of bodies without end
        self.clock = None       # seconds that it is ahead, when it looks
        self.date = True        # whether it tells its time

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def misbehave(self, key, how, times=1, applies=True):
        self.faults.append([key, how, times, applies])

    def count(self, key):
        with self.lock:
            return sum(request.key == key for request in self.seen)

    def requests(self, key):
        with self.lock:
            return [request for request in self.seen if request.key == key]

    def changes(self, key):
        with self.lock:
            return self.applied.count(key)

    # --- the server's side -----------------------------------------------

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(sock,),
                             daemon=True).start()

    def serve(self, sock):
        try:
            sock = self.wrap(sock) if self.wrap else sock
            while self.exchange(sock):
                pass
        except (OSError, Gone):
            pass
        finally:
            sock.close()

    @staticmethod
    def read(sock):
        data = b""
        while b"\r\n\r\n" not in data:
            got = sock.recv(65536)
            if not got:
                raise Gone
            data += got
        head, body = data.split(b"\r\n\r\n", 1)
        request = Request(head, body)
        length = int(request.headers.get("content-length", 0))
        while len(request.body) < length:
            got = sock.recv(65536)
            if not got:
                raise Gone
            request.body += got
        return request

    def fault_for(self, key):
        for fault in self.faults:
            if fault[0] == key and fault[2] > 0:
                fault[2] -= 1
                return fault[1], fault[3]
        return "well", True

    def exchange(self, sock):
        request = self.read(sock)
        with self.lock:
            self.seen.append(request)
            how, applies = self.fault_for(request.key)
            status, body = self.act(request) if applies else (200, b"{}")
        return getattr(self, "ends_" + how)(sock, status, body)

    def act(self, request):
        if self.is_skewed(request):
            return 403, (b'{"__type":"RequestTimeTooSkewed","message":'
                         b'"the difference is too large"}')
        if not request.key.startswith("ecs:"):
            self.applied.append(request.key)
            return 200, b'{"ok":true}'
        try:
            answer, applied = getattr(self.ecs, request.key[4:])(request.args)
        except (Refused, AttributeError) as refused:
            return 400, json.dumps({"__type": "Refused",
                                    "message": str(refused)}).encode()
        if applied:
            self.applied.append(request.key)
        return 200, json.dumps(answer).encode()

    def is_skewed(self, request):
        if self.clock is None:
            return False
        signed = request.headers["x-amz-date"]
        then = time.mktime(time.strptime(signed, "%Y%m%dT%H%M%SZ"))
        return abs(then - time.timezone - time.time() - self.clock) > 300

    # --- how an exchange ends: true when the connection lives on ----------

    def ends_well(self, sock, status, body, headers=""):
        if self.clock is not None and self.date:
            headers += "Date: %s\r\n" % formatdate(time.time() + self.clock,
                                                   usegmt=True)
        sock.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (
            status, len(body), headers.encode(), body))
        return True

    def ends_error(self, sock, _status, _body):
        return self.ends_well(sock, 500, b'{"__type":"ServerException"}')

    def ends_redirect(self, sock, _status, _body):
        return self.ends_well(sock, 302, b"", "Location: %s\r\n" % self.target)

    def ends_keep(self, sock, _status, _body):
        """307: method and body are to be kept."""
        return self.ends_well(sock, 307, b"", "Location: %s\r\n" % self.target)

    def ends_close(self, _sock, _status, _body):
        return False

    def ends_reset(self, sock, _status, _body):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        return False

    def hang(self, sock):
        """Until the client gives up."""
        while sock.recv(65536):
            pass
        return False

    def ends_silent(self, sock, _status, _body):
        return self.hang(sock)

    def ends_drip(self, sock, _status, body):
        """One byte a second; the client hangs up before the end."""
        data = (OK + "Content-Length: %d\r\n\r\n" % len(body)).encode() + body
        sock.settimeout(1)
        for byte in data:
            sock.sendall(bytes([byte]))
            try:
                if not sock.recv(65536):
                    return False
            except TimeoutError:
                pass
        return False

    def ends_stall(self, sock, _status, body):
        head = OK + "Content-Length: %d\r\n\r\n" % len(body)
        sock.sendall(head.encode() + body[:len(body) // 2])
        return self.hang(sock)

    def ends_cut(self, sock, _status, body):
        head = OK + "Content-Length: %d\r\n\r\n" % (len(body) + 1)
        sock.sendall(head.encode() + body)
        return False

    def ends_cutchunks(self, sock, _status, body):
        """All of the body came, the last chunk that says so did not."""
        head = OK + "Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body)
        sock.sendall(head.encode() + body + b"\r\n")
        return False

    def ends_huge(self, sock, _status, _body):
        sock.sendall((OK + "Content-Length: %d\r\n\r\n" % (10 * GIB)).encode())
        return self.pour(sock, b" " * 65536)

    def ends_hugechunks(self, sock, _status, _body):
        """The same without a length that says so."""
        sock.sendall((OK + "Transfer-Encoding: chunked\r\n\r\n").encode())
        return self.pour(sock, b"10000\r\n" + b" " * 65536 + b"\r\n")

    def pour(self, sock, piece):
        for _ in range(10 * GIB // 65536):
            sock.sendall(piece)
            with self.lock:
                self.sent += len(piece)
        return False

    def ends_bomb(self, sock, _status, _body):
        head = OK + "Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        sock.sendall((head % len(BOMB)).encode() + BOMB)
        return True


class Hole:
    """A full queue: the kernel drops what knocks, as a firewall does."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.waiting = [socket.socket() for _ in range(4)]
        for sock in self.waiting:
            sock.setblocking(False)
            sock.connect_ex(self.listener.getsockname())
        return self

    def __exit__(self, *_):
        for sock in (self.listener, *self.waiting):
            sock.close()


class Closed:
    """A port that is ours and on which nobody listens."""

    def __enter__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.sock.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.sock.close()
