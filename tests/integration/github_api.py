#!/usr/bin/env python3
"""Every route that scripts declare is what GitHub's own description asks for.

prism serves a mock of that description (@octokit/openapi), cut to the
operations that scripts/, the engine's readbacks and the App's signer call, and
refuses a request that does not fit. The requests are those that the nodes make
in the worlds, sent again through `nightshift call --live`; samples stand in for
the few that no world comes to. A wrong request is sent, too: a mock that
refuses nothing would prove nothing.

prism matches one segment for each part of a template, so arguments that hold
slashes ({ref}, {path}) go to a double of our own and their paths are compared.

    github_api.py --nightshift PATH --node-dir DIR_WITH_node_modules
"""

import argparse
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lib import github_description                            # noqa: E402
from lib.cases import Cases                                   # noqa: E402
from lib.engine import EVENTS, FIXTURES, ROOT, Engine         # noqa: E402
from lib.github_double import GitHubDouble                    # noqa: E402

SCRIPTS = ROOT / "scripts"
DESCRIPTION = "node_modules/@octokit/openapi/generated/api.github.com.json"
APP = {"GET /repos/{owner}/{repo}/installation",
       "POST /app/installations/{installation_id}/access_tokens"}
OWN = {"owner": "acme", "repo": "checkout"}
COMMENTS = "/repos/{owner}/{repo}/issues/{issue_number}/comments"

# Of a service whose branch is not known, of a wait, and of an undo.
SAMPLES = {
    "GET /repos/{owner}/{repo}": OWN,
    "GET /repos/{owner}/{repo}/pulls/{pull_number}":
        {**OWN, "pull_number": 7},
    "GET " + COMMENTS: {**OWN, "issue_number": 7, "per_page": 100},
    "POST " + COMMENTS: {**OWN, "issue_number": 7, "body": "words"},
    "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}":
        {**OWN, "comment_id": 5, "body": "words"},
    "PATCH /repos/{owner}/{repo}/pulls/{pull_number}":
        {**OWN, "pull_number": 7, "state": "closed"},
    "POST /repos/{owner}/{repo}/git/blobs":
        {**OWN, "content": "x", "encoding": "utf-8"},
}
MULTI = {
    ("GET /repos/{owner}/{repo}/git/matching-refs/{ref}",
     "heads/nightshift/a b"):
        "/repos/acme/checkout/git/matching-refs/heads/nightshift/a%20b",
    ("GET /repos/{owner}/{repo}/commits/{ref}", "feature/x#y"):
        "/repos/acme/checkout/commits/feature/x%23y",
    ("GET /repos/{owner}/{repo}/contents/{path}", "src/a?b/c.js"):
        "/repos/acme/checkout/contents/src/a%3Fb/c.js",
}


def engines_routes():
    """What rules and readbacks of the engine name."""
    folder = ROOT / "core" / "effect"
    text = "".join(path.read_text() for path in
                   [*folder.glob("rule_*.c"), folder / "effects.def"])
    return set(re.findall(r'"(?:github:)?((?:GET|POST|PATCH) /[^"]*)"', text)) \
        - {"POST /graphql"}


def walked(engine):
    """(route, arguments) that the nodes ask in the worlds."""
    found = {}
    for world in ("bad_deploy", "bad_deploy_pull"):
        report = engine.start(
            "run", "self_heal", "--fixtures", FIXTURES / "worlds" / world,
            "--event", EVENTS / "firing.json", "--scripts", SCRIPTS,
            "--json").report
        for asked in report.get("reads", []) + report.get("writes", []):
            kind, _, route = asked["effect"].partition(":")
            if kind == "github" and not route.startswith("graphql:"):
                key = json.dumps(asked["request"], sort_keys=True)
                found[(route, key)] = asked["request"]
    return [(route, args) for (route, _), args in found.items()]


class Prism:
    """The mock, started, awaited, and ended by its id."""

    def __init__(self, node_dir, description, log):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = "http://127.0.0.1:%d" % self.port
        self.command = [str(node_dir / "node_modules/.bin/prism"), "mock",
                        str(description), "-h", "127.0.0.1", "-p",
                        str(self.port)]
        self.log = log

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdout=self.log, stderr=self.log,
            stdin=subprocess.DEVNULL)
        limit = time.monotonic() + 60
        while time.monotonic() < limit and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.1)
        self.__exit__()
        raise SystemExit("prism does not start")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Test:
    def __init__(self, engine, folder):
        self.engine, self.folder, self.cases = engine, folder, Cases()
        self.count = 0

    def call(self, url, route, args, **env):
        self.count += 1
        config = self.folder / "nightshift.lua"
        config.write_text('return { settle = "10ms" }\n')
        return self.engine.start(
            "call", "github", route, json.dumps(args), "--live", "--json",
            "--config", config, "--state", self.folder / str(self.count),
            "--scripts", SCRIPTS,
            env={"AWS_REGION": "eu-1", "GITHUB_API_URL": url, **env})

    def accepted(self, url, route, args):
        walk = self.call(url, route, args)
        self.cases.check("%s %s" % (route, json.dumps(args)[:60]), [
            "answer" not in walk.report and walk.words()])

    def refused(self, url, route, args):
        walk = self.call(url, route, args)
        self.cases.check("refused: %s %s" % (route, json.dumps(args)[-40:]), [
            walk.report.get("error", {}).get("code") != "invalid" and
            walk.words()])

    def app(self, url):
        """The example of a token is of 2016, which the signer notices: then
        both of its requests were what the description asks for."""
        key = subprocess.run(["openssl", "genrsa", "2048"], check=True,
                             capture_output=True).stdout.decode()
        walk = self.call(url, "GET /repos/{owner}/{repo}", OWN,
                         GITHUB_APP_ID="7", GITHUB_APP_PRIVATE_KEY=key)
        self.cases.check("the App's own two requests", [
            "the token has run out already" not in walk.out and walk.words()])

    def covered(self, asked):
        declared = github_description.declared(SCRIPTS)
        missing = declared - {route for route, _ in asked}
        self.cases.check("each of %d declared routes is asked" % len(declared),
                         missing)

    def multi(self):
        with GitHubDouble() as double:
            for (route, value), path in MULTI.items():
                name = re.search(r"\{(ref|path)\}$", route)[1]
                self.call(double.url, route, {**OWN, name: value})
                self.cases.check("%s of %s" % (route, value), [
                    double.asked[-1]["path"] != path and
                    double.asked[-1]["path"]])

    def all(self, url):
        asked = walked(self.engine)
        known = {route for route, _ in asked}
        asked += [(route, args) for route, args in SAMPLES.items()
                  if route not in known]
        self.covered(asked)
        for route, args in asked:
            self.accepted(url, route, args)
        self.refused(url, "POST /repos/{owner}/{repo}/git/refs",
                     {**OWN, "ref": "refs/heads/x"})
        self.refused(url, "GET /repos/{owner}/{repo}/commits",
                     {**OWN, "per_page": "many"})
        self.refused(url, "POST /repos/{owner}/{repo}/git/trees",
                     {**OWN, "tree": "x"})
        self.app(url)
        self.multi()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nightshift", required=True)
    parser.add_argument("--node-dir", required=True, type=pathlib.Path)
    given = parser.parse_args()
    node_dir = given.node_dir.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        test = Test(Engine(given.nightshift), folder)
        routes = github_description.declared(SCRIPTS) | engines_routes() | APP
        smaller, missing = github_description.cut(
            github_description.read(node_dir / DESCRIPTION), routes)
        test.cases.check("GitHub describes all %d routes" % len(routes),
                         missing)
        (folder / "github.json").write_text(json.dumps(smaller))
        with open(folder / "prism.log", "wb") as log:
            with Prism(node_dir, folder / "github.json", log) as prism:
                test.all(prism.url)
        return test.cases.end()


if __name__ == "__main__":
    sys.exit(main())
