"""github_double.py - a GitHub on the loopback that remembers what it was asked.

It plays what an App meets: installations, tokens, lists in pages with Link
headers, ETags, limits, and GraphQL with the mutation that reverts. Tests queue
answers for a path with `next_answer`; everything else is answered by state.
"""

import hashlib
import http.server
import json
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    double = None

    def log_message(self, *_):
        pass

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        asked = {"method": self.command, "path": path, "query": query,
                 "args": dict(urllib.parse.parse_qsl(query)),
                 "headers": {k.lower(): v for k, v in self.headers.items()},
                 "body": json.loads(body) if body else None}
        status, headers, answer = self.double.answer(asked)
        if status is None:                  # applied, and the line is cut
            self.close_connection = True
            return
        text = b"" if answer is None else json.dumps(answer).encode()
        if status == 200 and self.command == "GET" and asked["path"].endswith(
                "/tagged"):
            tag = '"%s"' % hashlib.sha1(text).hexdigest()
            headers = {**headers, "ETag": tag}
            if asked["headers"].get("if-none-match") == tag:
                status, text = 304, b""
        asked["status"] = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class GitHubDouble:
    def __init__(self, prefix=""):
        self.prefix, self.lock = prefix, threading.RLock()
        self.asked, self.queued, self.tokens = [], {}, []
        self.pulls, self.expires = [], "2099-01-01T00:00:00Z"

    def __enter__(self):
        handler = type("Bound", (Handler,), {"double": self})
        self.server = Server(("127.0.0.1", 0), handler)
        self.origin = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.url = self.origin + self.prefix
        threading.Thread(target=self.server.serve_forever, daemon=True,
                         kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def next_answer(self, path, status, body, **headers):
        with self.lock:
            self.queued.setdefault(path, []).append(
                (status, {k.replace("_", "-"): v for k, v in headers.items()},
                 body))

    def paths(self):
        return [one["method"] + " " + one["path"] for one in self.asked]

    def of(self, path):
        return [one for one in self.asked if one["path"] == path]

    # --- answering ---------------------------------------------------------

    def answer(self, asked):
        with self.lock:
            self.asked.append(asked)
            path = asked["path"]
            if self.queued.get(path):
                return self.queued[path].pop(0)
            if path == "/api/graphql" or path == "/graphql":
                return self.graphql(asked["body"])
            path = path[len(self.prefix):]
            if path.endswith("/installation"):
                return 200, {}, {"id": 42}
            if path.endswith("/access_tokens"):
                return self.token()
            if path.endswith("/pages"):
                return self.page(asked)
            if path.endswith("/nothing"):
                return 404, {}, {"message": "Not Found"}
            return 200, {}, {"who": asked["headers"].get("authorization")
                             is not None}

    def token(self):
        self.tokens.append("ghs_double%030d" % len(self.tokens))
        return 201, {}, {"token": self.tokens[-1], "expires_at": self.expires}

    def page(self, asked):
        number = int(asked["args"].get("page", "1"))
        if number > 2:
            return 200, {}, [number]
        link = ('<%s/repositories/7/pages?per_page=1&page=%d>; rel="next", '
                '<%s%s?page=3>; rel="last"' % (
                    self.url, number + 1, self.url, asked["path"]))
        return 200, {"Link": link}, [number]

    def graphql(self, body):
        if "mutation" not in body["query"]:
            return 200, {}, {"data": {"node": {"repository": {
                "pullRequests": {"nodes": list(self.pulls)}}}}}
        given = body["variables"]["input"]
        pull = {"number": 9, "url": "https://github.example/9",
                "state": "OPEN", "merged": False, "headRefName": "revert-7",
                "body": given["body"]}
        self.pulls.insert(0, pull)
        return 200, {}, {"data": {"revertPullRequest": {
            "revertPullRequest": pull}}}
