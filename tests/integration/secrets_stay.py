#!/usr/bin/env python3
"""Secrets are found where they are kept, used, and seen nowhere.

First the places: the environment, a file that NAME_FILE names, systemd's
credentials directory, secrets.directory, and AWS Secrets Manager, played by
moto and filled by boto3. In each the secret must arrive in the request that
wants it, and a file that others can open is refused.

Then an echo: a server that answers every request with all it was sent, headers
and body, as it is, in base64, percent-encoded and inside JSON inside a string,
both as a success and as an error. Everything that the engine says or keeps of
that is searched by lib/canaries.py. (N11)

    secrets_stay.py --nightshift PATH
"""

import base64
import http.server
import json
import os
import pathlib
import sys
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

from lib import canaries                                      # noqa: E402
from lib.cases import Cases                                   # noqa: E402
from lib.engine import EVENTS, from_arguments                 # noqa: E402
from lib.loopback import Loopback                             # noqa: E402
from live_moto import Child, VENV, free_port, into_venv       # noqa: E402

HOOK_PATH = "/hook-canary-0f-the-path"
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "aws-canary/of+a=secret-key",
    "AWS_SESSION_TOKEN": "session-canary/with+signs==",
    "GITHUB_TOKEN": "github-canary-0123456789",
    "PROMETHEUS_TOKEN": 'prom"canary\\0123456789',
    "CANARY_TOOL": "tool-canary-0123456789",
}


def echoes(value):
    """One value in the forms in which services give it back."""
    raw = value.encode()
    return [value, base64.b64encode(raw).decode(),
            base64.b64encode(b"u:" + raw).decode(),
            base64.urlsafe_b64encode(b"user:" + raw).decode(),
            urllib.parse.quote(value, safe=""), json.dumps({"is": value})]


class Echo(Loopback):
    """Answers with what it was sent; remembers the headers."""

    def __init__(self, status=200):
        self.status, self.seen = status, []

    def handler(self):
        echo = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode(errors="replace")
                echo.seen.append(dict(self.headers) | {":path": self.path})
                said = {"path": echoes(self.path), "body": echoes(body)}
                for name, value in self.headers.items():
                    said[name] = echoes(value.split(" ", 1)[-1])
                said["message"] = json.dumps(said)
                said["__type"] = "EchoException"
                said["status"] = "success"
                data = json.dumps(said).encode()
                self.send_response(echo.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

            def log_message(self, *_):
                pass

        return Handler

    def got(self, header, value):
        return any(seen.get(header) == value for seen in self.seen)


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def config(folder, url, extra=""):
    host = url.removeprefix("http://")
    return write(folder / "nightshift.lua", """
return {
  aws = { region = "eu-central-1", endpoint = "%(url)s" },
  github = { url = "%(url)s" %(extra)s },
  prometheus = { url = "%(url)s" },
  channels = { oncall = { url = secret("CANARY_HOOK") } },
  http = { allow = { "%(host)s" }, private = true,
           auth = { ["%(host)s"] = { secret = secret("CANARY_TOOL") } } },
}
""" % {"url": url, "host": host, "extra": extra})


# --- places ------------------------------------------------------------------

def call_github(engine, folder, env):
    return engine.start("call", "github", "GET /user", "--json", "--config",
                        folder / "nightshift.lua", env=env)


def places(cases, engine, folder, echo):
    """Each place, with a secret of its own, has to reach the header."""
    hook = {"CANARY_HOOK": echo.url + HOOK_PATH, "CANARY_TOOL": "tool-of-none"}
    config(folder, echo.url, ', token = secret("BOT")')
    kept = folder / "kept"
    kept.mkdir()
    for name, env, prepare in [
            ("environment", {"BOT": "place-canary-environment"}, None),
            ("BOT_FILE", {"BOT_FILE": str(folder / "pointed")},
             lambda: write(folder / "pointed", "place-canary-pointed\n",
                           0o400)),
            ("credentials directory", {"CREDENTIALS_DIRECTORY": str(kept),
                                       "BOT": "place-canary-not-this-one"},
             lambda: write(kept / "BOT", "place-canary-directory\n", 0o400))]:
        wanted = ("place-canary-" + {"environment": "environment",
                                     "BOT_FILE": "pointed"}.get(
                                         name, "directory"))
        canaries.plant(name, wanted)
        if prepare:
            prepare()
        walk = call_github(engine, folder, env | hook)
        cases.check("a secret in the %s is used" % name, [
            walk.code != 0 and walk.words(),
            not echo.got("Authorization", "Bearer " + wanted) and
            "the header did not come"])
    (kept / "BOT").chmod(0o440)
    walk = call_github(engine, folder,
                       {"CREDENTIALS_DIRECTORY": str(kept)} | hook)
    cases.check("SS1 a file that others can open is refused", [
        "chmod 0400" not in walk.err and walk.words()])
    walk = engine.start("call", "github", "GET /user", "--live", "--state",
                        folder / "none", "--config",
                        folder / "nightshift.lua", env=hook)
    cases.check("RF2 a live engine does not start without a secret", [
        walk.code != 78 and walk.words(),
        "github.token" not in walk.err and walk.words()])


def from_secrets_manager(cases, engine, folder, echo):
    import boto3
    port = free_port()
    url = "http://127.0.0.1:%d" % port
    with Child(url + "/moto-api/", VENV / "bin" / "moto_server", "-H",
               "127.0.0.1", "-p", port):
        client = boto3.client(
            "secretsmanager", endpoint_url=url, region_name="eu-central-1",
            aws_access_key_id="other", aws_secret_access_key="client")
        client.create_secret(Name="prod/bot", SecretString=json.dumps(
            {"token": "manager-canary-of-a-key", "more": 1}))
        client.create_secret(Name="prod/plain",
                             SecretString="manager-canary-plain")
        canaries.plant("prod/bot", "manager-canary-of-a-key")
        canaries.plant("prod/plain", "manager-canary-plain")
        for reference, wanted, problem in [
                ("aws:prod/bot#token", "manager-canary-of-a-key", None),
                ("aws:prod/plain", "manager-canary-plain", None),
                ("aws:prod/bot#absent", None, "no text under the key absent"),
                ("aws:prod/plain#token", None, "no JSON object"),
                ("aws:prod/nothing", None, "ResourceNotFoundException")]:
            config(folder, echo.url, ', token = secret("%s")' % reference)
            text = (folder / "nightshift.lua").read_text().replace(
                'endpoint = "%s"' % echo.url,
                'endpoint = "%s", endpoints = { secretsmanager = "%s" }' % (
                    echo.url, url))
            write(folder / "nightshift.lua", text)
            env = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                   "AWS_SECRET_ACCESS_KEY": "secret-of-moto-and-no-other",
                   "CANARY_HOOK": echo.url + HOOK_PATH,
                   "CANARY_TOOL": "tool-of-none"}
            walk = call_github(engine, folder, env)
            cases.check("SM1 %s" % reference, [
                wanted and not echo.got("Authorization", "Bearer " + wanted)
                and walk.words(),
                problem and problem not in walk.err and walk.words()])


# --- the echo ----------------------------------------------------------------

CALLS = [
    ("aws", "ecs:DescribeServices", {"cluster": "prod"}),
    ("aws", "ecs:UpdateService", {"cluster": "prod", "service": "checkout",
                                  "desiredCount": 3}),
    ("aws", "ecs:TagResource", {"resourceArn": "a", "tags": []}),
    ("github", "GET /repos/{owner}/{repo}/commits",
     {"owner": "acme", "repo": "checkout"}),
    ("github", "POST /repos/{owner}/{repo}/pulls",
     {"owner": "acme", "repo": "checkout", "head": "x", "base": "main"}),
    ("prometheus", "query", {"query": "up"}),
    ("notify", "oncall", {"text": "hello"}),
]


def echo_calls(cases, engine, folder, echo):
    env = SECRETS | {"CANARY_HOOK": echo.url + HOOK_PATH}
    path = config(folder, echo.url)
    host = echo.url.removeprefix("http://")
    calls = CALLS + [("http", "POST http://%s/tool" % host, {"json": {}})]
    for kind, name, args in calls:
        for mode in ([], ["--live", "--state", folder / "state"]):
            walk = engine.start("call", kind, name, json.dumps(args), "--json",
                                "--log", "debug", "--config", path, *mode,
                                env=env)
            cases.check("N11 %s %s, status %d%s" % (
                kind, name, echo.status, ", live" if mode else ""),
                [walk.code not in (0, 1, 2, 3) and walk.words()])
    for value in ("Bearer " + SECRETS["GITHUB_TOKEN"],
                  "Bearer " + SECRETS["CANARY_TOOL"]):
        cases.check("the echo was sent a secret to give back", [
            not echo.got("Authorization", value) and "not " + value[:12]])
    cases.check("the echo was sent a session token", [
        not echo.got("X-Amz-Security-Token", SECRETS["AWS_SESSION_TOKEN"])
        and "it was not"])


def echo_run(cases, engine, folder, echo):
    env = SECRETS | {"CANARY_HOOK": echo.url + HOOK_PATH}
    path = config(folder, echo.url)
    walk = engine.start("run", "self_heal", "--event", EVENTS / "firing.json",
                        "--live", "--state", folder / "run-state", "--config",
                        path, "--log", "debug", env=env, seconds=120)
    cases.check("N11 a run over the echo", [
        walk.code is None and walk.words()])
    walk = engine.start("check", "--print-config", "--config", path, env=env)
    cases.check("N11 the configuration as it is printed", [
        "GITHUB" in walk.out and walk.words()])


def main():
    into_venv()
    engine = from_arguments(__doc__)
    cases = Cases()
    canaries.plant("the hook's path", HOOK_PATH)
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)
        with Echo() as echo:
            (root / "places").mkdir()
            places(cases, engine, root / "places", echo)
            (root / "manager").mkdir()
            from_secrets_manager(cases, engine, root / "manager", echo)
        for status in (200, 400, 500):
            folder = root / str(status)
            folder.mkdir()
            with Echo(status) as echo:
                echo_calls(cases, engine, folder, echo)
                if status == 200:
                    echo_run(cases, engine, folder, echo)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
