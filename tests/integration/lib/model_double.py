"""model_double.py - a server on loopback that speaks three models' protocols.

A reply is said in one neutral form and written in the protocol of whoever
asked: {"value": …} a structured answer, {"text": …} words, "stop" one of
length, refusal, filter; or {"status": …, "headers": …} a failure; or
{"hang": True}: nothing until the double is closed.
"""

import http.server
import json
import threading
import urllib.parse

from lib.loopback import Loopback


def as_openai(reply, usage):
    stop = {"length": "length", "filter": "content_filter"}.get(
        reply.get("stop"), "stop")
    text = json.dumps(reply["value"]) if "value" in reply else reply.get("text")
    message = {"role": "assistant", "content": text, "refusal": None}
    if reply.get("stop") == "refusal":
        message.update(content=None, refusal="I can not help with that")
    body = {"id": "c1", "object": "chat.completion", "created": 1,
            "model": "m", "choices": [{"index": 0, "finish_reason": stop,
                                       "logprobs": None, "message": message}]}
    if usage:
        body["usage"] = {"prompt_tokens": usage[0],
                         "completion_tokens": usage[1],
                         "total_tokens": sum(usage)}
    return body


def as_anthropic(reply, usage):
    stop = {"length": "max_tokens", "refusal": "refusal",
            "filter": "refusal"}.get(reply.get("stop"))
    if "value" in reply:
        content = [{"type": "tool_use", "id": "t1", "name": "answer",
                    "input": reply["value"]}]
    else:
        content = [{"type": "text", "text": reply.get("text", "")}]
    return {"id": "m1", "type": "message", "role": "assistant", "model": "m",
            "content": content, "stop_sequence": None,
            "stop_reason": stop or ("tool_use" if "value" in reply
                                    else "end_turn"),
            "usage": {"input_tokens": (usage or (0, 0))[0],
                      "output_tokens": (usage or (0, 0))[1]}}


def as_bedrock(reply, usage):
    stop = {"length": "max_tokens", "refusal": "content_filtered",
            "filter": "guardrail_intervened"}.get(reply.get("stop"))
    if "value" in reply:
        content = [{"toolUse": {"toolUseId": "t1", "name": "answer",
                                "input": reply["value"]}}]
    else:
        content = [{"text": reply.get("text", "")}]
    return {"output": {"message": {"role": "assistant", "content": content}},
            "stopReason": stop or ("tool_use" if "value" in reply
                                   else "end_turn"),
            "usage": {"inputTokens": (usage or (0, 0))[0],
                      "outputTokens": (usage or (0, 0))[1],
                      "totalTokens": sum(usage or (0, 0))},
            "metrics": {"latencyMs": 1}}


class ModelDouble(Loopback):
    """`replies` is a list, the last one repeated, or a function of the
    request; `seen` holds what arrived."""

    def __init__(self):
        self.replies, self.usage = [], (100, 20)
        self.seen, self.lock = [], threading.Lock()
        self.closing = threading.Event()

    def handler(self):
        return type("Bound", (Handler,), {"double": self})

    def __exit__(self, *_):
        self.closing.set()
        super().__exit__()

    def reset(self, *replies, usage=(100, 20)):
        with self.lock:
            self.replies, self.usage, self.seen = list(replies), usage, []

    def answer(self, request):
        with self.lock:
            self.seen.append(request)
            reply = self.replies[min(len(self.seen), len(self.replies)) - 1]
        return reply(request) if callable(reply) else reply


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    double = None

    def log_message(self, *_):
        pass

    def write(self, status, headers, body):
        data = json.dumps(body).encode() if not isinstance(body, bytes) else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = urllib.parse.urlsplit(self.path).path
        reply = self.double.answer({"path": self.path, "body": body,
                                    "headers": dict(self.headers)})
        if reply.get("hang"):
            self.double.closing.wait()
            return
        if "status" in reply:
            self.write(reply["status"], reply.get("headers", {}),
                       reply.get("body", {"error": {"message": "no"}}))
            return
        if "bytes" in reply:
            self.write(200, {}, reply["bytes"])
            return
        shape = (as_openai if path.endswith("/chat/completions") else
                 as_anthropic if path.endswith("/messages") else as_bedrock)
        self.write(200, {}, shape(reply, self.double.usage))
