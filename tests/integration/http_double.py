#!/usr/bin/env python3
"""http_double.py - an HTTP peer that misbehaves as its path asks.

Written on bare sockets, because no server library can be made to cut, stall
or reset at a chosen byte. The client's tests start one each, read the ports
from its first line of output, and end it by closing its standard input.

    http_double.py [--tls DIRECTORY]

prints `plain refused blackhole [tls]`: ports of 127.0.0.1. On `refused`
nothing listens; `blackhole` completes no connection, since its queue is full;
`tls` has a self-signed certificate for localhost in DIRECTORY/cert.pem.

Paths: see the functions named act_*; `/reset?x` is act_reset. GET /seen tells
what came so far, one line a request: connection, method, path, length of body.
"""

import gzip
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading

seen = []
lock = threading.Lock()
stop = threading.Event()


class Gone(Exception):
    """The client closed or reset."""


class Peer:
    """One connection, and the request being answered on it."""

    def __init__(self, sock, number):
        self.sock, self.number = sock, number
        self.buffer = b""
        self.head = self.body = b""
        self.method = self.path = ""
        self.keep = True
        self.requests = 0

    def more(self):
        try:
            got = self.sock.recv(65536)
        except OSError as error:
            raise Gone from error
        if not got:
            raise Gone
        self.buffer += got

    def read_request(self):
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        self.head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.method, self.path, _ = self.head.split(b"\r\n")[0].decode().split(" ")
        self.requests += 1
        length = 0
        for line in self.head.split(b"\r\n")[1:]:
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        if self.path.startswith("/deaf"):
            length = 0
        while len(self.buffer) < length:
            self.more()
        self.body, self.buffer = self.buffer[:length], self.buffer[length:]

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Gone from error

    def answer(self, status="200 OK", body=b"", headers=()):
        lines = ["HTTP/1.1 " + status, "Content-Length: %d" % len(body)]
        lines += list(headers)
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode() + body)

    def drip(self, data, pause=0.1):
        for byte in data:
            self.send(bytes([byte]))
            if stop.wait(pause):
                return

    def hang(self):
        """Until the client gives up."""
        while True:
            self.more()

    def reset(self):
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.keep = False


def act_ok(peer):
    peer.answer(body=b"fine")


def act_echo(peer):
    """The request's head and body, as they came."""
    peer.answer(body=peer.head + b"\r\n\r\n" + peer.body)


def act_head(peer):
    peer.answer(body=peer.head)


def act_seen(peer):
    with lock:
        lines = "".join(line + "\n" for line in seen if " /seen " not in line)
    peer.answer(body=lines.encode())


def act_error(peer):
    peer.answer("500 Oops", b"broken")


def act_redirect(peer):
    peer.answer("302 Found", headers=["Location: /ok"])


def act_empty(peer):
    peer.answer("204 No Content")


def act_continue(peer):
    peer.send(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n")
    peer.answer(body=b"fine", headers=["X-Late: 2"])


def act_chunks(peer):
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    peer.send(b"2\r\nfi\r\n2\r\nne\r\n0\r\nHTTP/1.1: no\r\n\r\n")


def act_cutchunks(peer):
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    peer.send(b"2\r\nfi\r\n5\r\nne")
    peer.keep = False


def act_cut(peer):
    """Promises a hundred bytes and closes after ten."""
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
    peer.keep = False


def act_big(peer):
    peer.answer(body=b"x" * 4096)


def act_bigchunks(peer):
    """Too much, and no length that says so."""
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        peer.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def act_gzip(peer):
    peer.answer(body=gzip.compress(b"fine"), headers=["Content-Encoding: gzip"])


def act_bomb(peer):
    bomb = gzip.compress(b"\0" * 50_000_000, 9)
    peer.answer(body=bomb, headers=["Content-Encoding: gzip"])


def act_headerflood(peer):
    peer.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        peer.send(b"X-Flood: " + b"y" * 2000 + b"\r\n")


def act_slowheaders(peer):
    peer.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def act_slowbody(peer):
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    peer.drip(b"z" * 1000)


def act_stall(peer):
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    peer.hang()


def act_silent(peer):
    peer.hang()


def act_deaf(peer):
    """Reads the head, then not one byte of the body."""
    stop.wait(30)


def act_reset(peer):
    peer.reset()


def act_close(peer):
    peer.keep = False


def act_resetonreuse(peer):
    """Answers the first request of a connection and resets on the second."""
    if peer.requests == 1:
        peer.answer(body=b"first")
    else:
        peer.reset()


def act_garbage(peer):
    peer.send(b"no such protocol\r\n\r\n")
    peer.keep = False


def serve(sock, number):
    peer = Peer(sock, number)
    try:
        while peer.keep:
            peer.read_request()
            with lock:
                seen.append(
                    "%d %s %s %d"
                    % (number, peer.method, peer.path, len(peer.body))
                )
            path = peer.path.split("?")[0]
            if "://" in path:  # we are taken for a proxy
                path = "/" + path.split("/", 3)[3]
            name = path.split("/")[1]
            globals().get("act_" + name, act_ok)(peer)
    except Gone:
        pass
    finally:
        sock.close()


def listen(wrap=None):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def handshake(sock, number):
        try:
            sock = wrap(sock) if wrap else sock
        except OSError:
            sock.close()
            return
        serve(sock, number)

    def accept():
        number = 0
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number += 1
            threading.Thread(
                target=handshake, args=(sock, number), daemon=True
            ).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def refused():
    """A port that is ours and on which nobody listens."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


def blackhole():
    """A full queue: the kernel drops what knocks, as a firewall does."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = []
    for _ in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        waiting.append(sock)
    return listener, waiting


def tls(directory):
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", cert],
        check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return listen(lambda sock: context.wrap_socket(sock, server_side=True))


def main():
    dead, hole = refused(), blackhole()
    ports = [listen(), dead.getsockname()[1], hole[0].getsockname()[1]]
    if sys.argv[1:2] == ["--tls"]:
        ports.append(tls(sys.argv[2]))
    print(*ports, flush=True)
    sys.stdin.buffer.read()
    os._exit(0)


main()
