"""collector.py - takes traces by OTLP over HTTP, as JSON, and reads them.

The messages are opentelemetry-proto's, the parser is protobuf's: a member that
they do not know is refused. A collector can be told to misbehave; whatever it
answers, it keeps what it was sent.
"""

import base64
import http.server
import json
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest)


def as_protobuf_wants(body):
    """OTLP writes ids as hex where protobuf's mapping has base64."""
    for resource in body["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        raw = bytes.fromhex(span[name])
                        assert span[name] == raw.hex(), "ids are lower case"
                        span[name] = base64.b64encode(raw).decode()
    return body


def read_request(body):
    return json_format.ParseDict(
        as_protobuf_wants(json.loads(body)), ExportTraceServiceRequest(),
        ignore_unknown_fields=False)


def attributes_of(owner):
    return {a.key: a.value.string_value if a.value.HasField("string_value")
            else a.value.int_value for a in owner.attributes}


class Span:
    def __init__(self, resource, span):
        self.resource = resource
        self.trace, self.id = span.trace_id.hex(), span.span_id.hex()
        self.parent = span.parent_span_id.hex()
        self.name, self.message = span.name, span.status.message
        self.kind = span.SpanKind.Name(span.kind).rpartition("_")[2]
        self.failed = span.status.code == span.status.STATUS_CODE_ERROR
        self.start = span.start_time_unix_nano
        self.end = span.end_time_unix_nano
        self.said = attributes_of(span)

    def __repr__(self):
        return "%s %s below %s of %s %s" % (
            self.name, self.id, self.parent or "nothing", self.trace, self.said)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.owner.take(self, body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):     # a peer that was killed
        pass


class Collector:
    """`how` is ok, unavailable, hang, garbage, drop or refuse."""

    def __init__(self, how="ok"):
        self.how, self.lock = how, threading.Lock()
        self.bodies, self.requests = [], []
        self.spans, self.problems = [], []
        self.ended = threading.Event()

    def __enter__(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.owner = self
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True,
                         kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def take(self, request, body):
        with self.lock:
            self.requests.append((request.path, dict(request.headers)))
            self.bodies.append(body)
            if self.how == "ok":
                self.read(body)
        if self.how == "hang":
            self.ended.wait()
        if self.how in ("hang", "drop"):
            request.close_connection = True
            return
        status, text = {"ok": (200, b"{}"), "unavailable": (503, b""),
                        "garbage": (200, b"\xff{]" * 1000),
                        "refuse": (400, b"no")}[self.how]
        request.send_response(status)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def read(self, body):
        try:
            for group in read_request(body).resource_spans:
                resource = attributes_of(group.resource)
                self.spans += [Span(resource, span)
                               for scope in group.scope_spans
                               for span in scope.spans]
        except (ValueError, AssertionError, json_format.ParseError) as error:
            self.problems.append("%s: %s" % (error, body[:300]))

    def all(self, name="", trace=None):
        with self.lock:
            return [span for span in self.spans if span.name.startswith(name)
                    and trace in (None, span.trace)]


def tree_problems(spans, above=()):
    """Of one trace: every parent is there or among `above`, every id comes
    once, and a child is within its parent, unless that only answered."""
    known = {span.id: span for span in spans}
    if len(known) != len(spans):
        yield "ids come twice: %r" % spans
    if len({span.trace for span in spans}) != 1:
        yield "not one trace: %r" % spans
    for span in spans:
        parent = known.get(span.parent)
        if not parent and span.parent not in ("", *above):
            yield "nobody has %s: %r" % (span.parent, span)
        if span.start > span.end:
            yield "ends before it starts: %r" % span
        if parent and not (parent.start <= span.start and (
                span.end <= parent.end or parent.kind == "SERVER")):
            yield "%r is not within %r" % (span, parent)
