#!/usr/bin/env python3
"""The engine speaks to a GitHub on the loopback, as an App and by GraphQL.

What it sends is judged by others: PyJWT reads the App's JWT with the public
key that belongs to the private one. The double (lib/github_double.py) refuses,
limits, cuts and pages as GitHub does; every case says what must have been sent
and what must not.

    github_live.py --nightshift PATH      (needs PyJWT with cryptography)
"""

import json
import pathlib
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import jwt                                                    # noqa: E402
from cryptography.hazmat.primitives import serialization      # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa     # noqa: E402

from lib.cases import Cases                                   # noqa: E402
from lib.engine import EVENTS, ROOT, from_arguments           # noqa: E402
from lib.github_double import GitHubDouble                    # noqa: E402

OWN = {"owner": "acme", "repo": "checkout"}
REPO = "/repos/acme/checkout"
REVERT = ("mutation($input: RevertPullRequestInput!) { revertPullRequest("
          "input: $input) { revertPullRequest { number url headRefName } } }")
MARK = "<!-- nightshift:0a1b2c3d-0000-8000-8000-000000000000 -->"

# A node that asks what the case says, run through a playbook of its own.
NODE = """
local github = require "lib.github"
return {
  about    = "Ask as the case says.",
  output   = { items = "list?" },
  outcomes = { "asked", "found" },
  effects  = { "github:GET /repos/{owner}/{repo}/pages",
               "github:GET /repos/{owner}/{repo}/tagged" },
  risk     = "low",
  retry    = { times = 2, backoff = "10ms", on = { "throttled" } },
  run = function(ctx)
    %s
  end,
}
"""
PLAYBOOK = """
return {
  about   = "Ask.",
  trigger = { source = "alertmanager", labels = { service = "*" } },
  key     = { "$incident.labels.service" },
  limits  = { attempts = 1, deadline = "1m" },
  start   = "ask",
  nodes   = { ask = { use = "ask", next = { asked = "done", found = "done" } },
              escalation = { use = "escalation" } },
}
"""
ESCALATION = """
return { about = "Leave it.", outcomes = { "handed_over" }, effects = {},
         run = function() return "handed_over" end }
"""


def make_keys(folder):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forms = {"pkcs1": serialization.PrivateFormat.TraditionalOpenSSL,
             "pkcs8": serialization.PrivateFormat.PKCS8}
    for name, form in forms.items():
        (folder / name).write_bytes(key.private_bytes(
            serialization.Encoding.PEM, form, serialization.NoEncryption()))
        (folder / name).chmod(0o400)
    return key.public_key()


class Test:
    def __init__(self, engine, folder):
        self.engine, self.folder, self.cases = engine, folder, Cases()
        self.public = make_keys(folder)
        self.count = 0

    def app(self, double, form="pkcs8", **more):
        return {"GITHUB_API_URL": double.url, "GITHUB_APP_ID": "4711",
                "GITHUB_APP_PRIVATE_KEY_FILE": str(self.folder / form), **more}

    def state(self):
        self.count += 1
        return self.folder / ("state-%d" % self.count)

    def call(self, env, name, args, *more):
        return self.engine.start(
            "call", "github", name, json.dumps(args), "--live", "--json",
            "--scripts", ROOT / "scripts",
            "--config", self.config(), "--state", self.state(), *more,
            env={"AWS_REGION": "eu-1", **env})

    def config(self):
        path = self.folder / "nightshift.lua"
        path.write_text('return { settle = "10ms", effect_timeout = "5s" }\n')
        return path

    def run(self, env, body):
        scripts = self.folder / ("scripts-%d" % self.count)
        for folder in ("nodes", "playbooks"):
            (scripts / folder).mkdir(parents=True)
        for folder in ("lib", "sources"):
            shutil.copytree(ROOT / "scripts" / folder, scripts / folder)
        (scripts / "nodes/ask.lua").write_text(NODE % body)
        (scripts / "nodes/escalation.lua").write_text(ESCALATION)
        (scripts / "playbooks/ask.lua").write_text(PLAYBOOK)
        return self.engine.start(
            "run", "ask", "--live", "--event", EVENTS / "firing.json",
            "--scripts", scripts, "--state", self.state(), "--json",
            "--config", self.config(), env={"AWS_REGION": "eu-1", **env})

    # --- the App -------------------------------------------------------------

    def proof_problems(self, asked):
        token = asked["headers"].get("authorization", "").replace("Bearer ", "")
        try:
            claims = jwt.decode(token, self.public, algorithms=["RS256"],
                                options={"require": ["exp", "iat", "iss"]})
        except jwt.PyJWTError as wrong:
            yield "PyJWT: %r" % wrong
            return
        if claims["iss"] != "4711" or set(claims) != {"iss", "iat", "exp"}:
            yield "claims %s" % claims
        if claims["exp"] - claims["iat"] > 600:
            yield "it lives %d s" % (claims["exp"] - claims["iat"])
        if not 55 <= time.time() - claims["iat"] <= 90:
            yield "iat is %d s ago" % (time.time() - claims["iat"])
        if jwt.get_unverified_header(token) != {"alg": "RS256", "typ": "JWT"}:
            yield "header %s" % jwt.get_unverified_header(token)

    def proves_itself(self, form):
        with GitHubDouble() as double:
            walk = self.call(self.app(double, form), "GET /repos/{owner}/"
                             "{repo}/thing", OWN)
            self.cases.check("an App with a %s key gets its token" % form, [
                double.paths() != ["GET %s/installation" % REPO,
                                   "POST /app/installations/42/access_tokens",
                                   "GET %s/thing" % REPO] and double.paths(),
                *self.proof_problems(double.asked[0]),
                *self.proof_problems(double.asked[1]),
                double.asked[1]["body"] != {"repositories": ["checkout"]} and
                double.asked[1]["body"],
                double.asked[2]["headers"]["authorization"] !=
                "Bearer " + double.tokens[0] and "another token",
                walk.report.get("answer") != {"who": True} and walk.words()])
            self.leaves_no_secret(double, walk)

    def leaves_no_secret(self, double, walk):
        state = self.folder / ("state-%d" % self.count)
        kept = b"".join(path.read_bytes() for path in state.iterdir())
        secrets = [double.tokens[0].encode(), b"PRIVATE KEY"] + [
            one["headers"]["authorization"][7:].encode()
            for one in double.asked]
        self.cases.check("no secret is kept or shown", [
            "%r is" % secret[:12] for secret in secrets
            if secret in kept or secret in (walk.out + walk.err).encode()])

    def key_in_the_environment(self):
        key = (self.folder / "pkcs1").read_text().replace("\n", "\\n")
        with GitHubDouble() as double:
            env = {"GITHUB_API_URL": double.url, "GITHUB_APP_ID": "4711",
                   "GITHUB_APP_PRIVATE_KEY": key,
                   "GITHUB_APP_INSTALLATION_ID": "7",
                   "GITHUB_TOKEN": "ghp_not_used_not_used_not_used"}
            walk = self.call(env, "GET /repos/{owner}/{repo}/thing", OWN)
            self.cases.check("the App wins over a token and says so", [
                "/app/installations/7/access_tokens" not in
                [one["path"] for one in double.asked] and double.paths(),
                "GITHUB_TOKEN is not used" not in walk.err and walk.words(),
                any("ghp_not" in one["headers"].get("authorization", "")
                    for one in double.asked) and "the token was sent"])

    def refused_token(self):
        with GitHubDouble() as double:
            double.next_answer(REPO + "/thing", 401,
                               {"message": "Bad credentials"})
            walk = self.call(self.app(double), "GET /repos/{owner}/{repo}/thing",
                             OWN)
            used = [one["headers"]["authorization"] for one in
                    double.of(REPO + "/thing")]
            self.cases.check("a 401 brings another token, once", [
                walk.code != 0 and walk.words(),
                used != ["Bearer " + token for token in double.tokens] and used,
                len(double.tokens) != 2 and "%d tokens" % len(double.tokens)])
            for _ in "12":
                double.next_answer(REPO + "/thing", 401, {"message": "no"})
            walk = self.call(self.app(double), "GET /repos/{owner}/{repo}/thing",
                             OWN)
            self.cases.check("a second 401 is the answer", [
                walk.code == 0 and "it succeeded",
                "status 401" not in walk.out and walk.words()])

    def not_installed(self):
        with GitHubDouble() as double:
            double.next_answer(REPO + "/installation", 404,
                               {"message": "Not Found"})
            walk = self.call(self.app(double), "GET /repos/{owner}/{repo}/thing",
                             OWN)
            self.cases.check("a repository without the App says so", [
                "is the App installed there?" not in walk.out and walk.words(),
                len(double.asked) != 1 and double.paths()])

    def bad_settings(self):
        wrong = self.folder / "wrong"
        wrong.write_text("-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n")
        wrong.chmod(0o400)
        with GitHubDouble() as double:
            for name, env, words in (
                    ("no key", {"GITHUB_APP_PRIVATE_KEY_FILE": ""}, "its key"),
                    ("a wrong key", {"GITHUB_APP_PRIVATE_KEY_FILE":
                                     str(wrong)}, "no RSA private key"),
                    ("a missing file", {"GITHUB_APP_PRIVATE_KEY_FILE":
                                        "/nonexistent/x"}, "No such file"),
                    ("no id", {"GITHUB_APP_ID": ""}, "github.app.id")):
                walk = self.call({**self.app(double), **env},
                                 "GET /repos/{owner}/{repo}/thing", OWN)
                self.cases.check("an App with %s does not start" % name, [
                    walk.code == 0 and "it did", double.asked and "it asked",
                    words not in walk.out + walk.err and walk.words(),
                    "c2VjcmV0" in walk.out + walk.err and "it shows the key"])

    # --- Enterprise ----------------------------------------------------------

    def enterprise(self):
        with GitHubDouble("/api/v3") as double:
            env = self.app(double)
            self.call(env, "GET /repos/{owner}/{repo}/thing",
                      {"owner": "acme", "repo": "a b"})
            env["GITHUB_APP_INSTALLATION_ID"] = "7"
            walk = self.call(env, "POST /graphql", {"query": "{ a }"})
            paths = [one["path"] for one in double.asked]
            self.cases.check("an Enterprise server has its own paths", [
                paths != ["/api/v3/repos/acme/a%20b/installation",
                          "/api/v3/app/installations/42/access_tokens",
                          "/api/v3/repos/acme/a%20b/thing",
                          "/api/v3/app/installations/7/access_tokens",
                          "/api/graphql"] and paths,
                walk.code != 0 and walk.words(),
                *["%s lacks %s" % (one["path"], name)
                  for one in double.asked for name in
                  ("user-agent", "accept", "x-github-api-version")
                  if name not in one["headers"]]])

    # --- pages and tags --------------------------------------------------------

    def pages(self):
        with GitHubDouble() as double:
            walk = self.run({"GITHUB_API_URL": double.url}, """
    local items = github.pages(ctx, "GET /repos/{owner}/{repo}/pages",
      { owner = "acme", repo = "checkout", per_page = 1 })
    return #items == 3 and "found" or "asked", { items = items }""")
            asked = [one["query"] for one in double.of(REPO + "/pages")]
            self.cases.check("three pages by the arguments of their links", [
                walk.path() != ["ask:found"] and walk.words(),
                asked != ["per_page=1", "page=2&per_page=1",
                          "page=3&per_page=1"] and asked])
        with GitHubDouble() as double:
            double.next_answer(REPO + "/pages", 200, [1], Link=(
                '<http://127.0.0.1:1/repos/acme/checkout/pages?page=2>; '
                'rel="next"'))
            walk = self.run({"GITHUB_API_URL": double.url}, """
    github.pages(ctx, "GET /repos/{owner}/{repo}/pages",
      { owner = "acme", repo = "checkout" })
    return "asked" """)
            self.cases.check("a link to another origin is not followed", [
                walk.path()[:1] == ["ask:asked"] and "it was",
                "leads elsewhere" not in walk.out + walk.err and walk.words(),
                len(double.asked) != 1 and double.paths()])

    def tags(self):
        with GitHubDouble() as double:
            walk = self.run({"GITHUB_API_URL": double.url,
                             "GITHUB_TOKEN": "ghp_" + "a" * 36}, """
    local at = { owner = "acme", repo = "checkout" }
    local same = 0
    for i = 1, 3 do
      local answer = ctx.github("GET /repos/{owner}/{repo}/tagged", at)
      if answer.who == true then same = same + 1 end
    end
    return same == 3 and "found" or "asked" """)
            seen = [one["status"] for one in double.of(REPO + "/tagged")]
            self.cases.check("an unchanged answer is a 304 and the same body", [
                walk.path() != ["ask:found"] and walk.words(),
                seen != [200, 304, 304] and seen])

    # --- limits ----------------------------------------------------------------

    def limits(self):
        thing, route = REPO + "/thing", "GET /repos/{owner}/{repo}/thing"
        with GitHubDouble() as double:
            env = {"GITHUB_API_URL": double.url}
            double.next_answer(thing, 403, {"message": "secondary rate limit"},
                               Retry_After="1")
            walk = self.call(env, route, OWN)
            self.cases.check("a short limit is waited for", [
                walk.code != 0 and walk.words(),
                len(double.asked) != 2 and double.paths()])
            for status in (403, 429):
                double.asked.clear()
                double.next_answer(
                    thing, status, {"message": "API rate limit exceeded"},
                    X_RateLimit_Remaining="0",
                    X_RateLimit_Reset=str(int(time.time()) + 600))
                walk = self.call(env, route, OWN)
                self.cases.check("a long limit of %d is reported" % status, [
                    walk.report.get("error", {}).get("code") != "throttled" and
                    walk.words(),
                    not re.search(r"not before 20\S+Z", walk.out) and
                    walk.words(),
                    len(double.asked) != 1 and double.paths()])

    # --- GraphQL ---------------------------------------------------------------

    def graphql_errors(self):
        read, write = "{ a }", "mutation { deleteRef(input: {}) { a } }"
        error = {"message": "nope", "type": "FORBIDDEN", "path": ["deleteRef"]}
        cases = (
            ("a read with errors and data", read,
             {"data": {"a": 1}, "errors": [error]}, "denied"),
            ("a write that was refused", write,
             {"data": {"deleteRef": None}, "errors": [error]}, "denied"),
            ("a write with a part of its answer", write,
             {"data": {"deleteRef": {"a": 1}}, "errors": [error]}, "unknown"),
            ("a write that ran into a timeout", write,
             {"data": None, "errors": [{"message": "Something went wrong"}]},
             "unknown"))
        with GitHubDouble() as double:
            for name, query, body, code in cases:
                double.next_answer("/graphql", 200, body)
                walk = self.call({"GITHUB_API_URL": double.url},
                                 "POST /graphql", {"query": query})
                self.cases.check(name + " is " + code, [
                    walk.report.get("error", {}).get("code") != code and
                    walk.words()])

    def revert(self, name, answers, mutations, code, how=None):
        with GitHubDouble() as double:
            for status, body in answers:
                double.next_answer("/graphql", status, body)
            cut = double.graphql

            def graphql(body):
                status, headers, answer = cut(body)
                if "mutation" in body["query"] and how == "cut":
                    return None, headers, answer
                return status, headers, answer
            double.graphql = graphql
            walk = self.call(
                {"GITHUB_API_URL": double.url}, "POST /graphql",
                {"query": REVERT, "variables": {"input": {
                    "pullRequestId": "PR_7", "title": "Revert",
                    "body": "why\n" + MARK}}})
            sent = [one for one in double.asked
                    if "mutation" in one["body"]["query"]]
            self.cases.check(name, [
                len(sent) != mutations and "%d mutations" % len(sent),
                walk.code != code and walk.words(),
                code == 0 and (walk.report.get("answer") or {}).get(
                    "revertPullRequest", {}).get("revertPullRequest", {})
                .get("number") != 9 and walk.words()])

    def reverts(self):
        nothing = {"data": {"node": {"repository": {
            "pullRequests": {"nodes": []}}}}}
        self.revert("a revert is one mutation", [], 1, 0)
        self.revert("a cut revert is found by its mark", [], 1, 0, "cut")
        self.revert("a revert that surely did not happen is sent again",
                    [(200, nothing), (502, {}), (200, nothing)], 2, 0)

    def dry(self):
        with GitHubDouble() as double:
            walk = self.engine.start(
                "call", "github", "POST /graphql", json.dumps(
                    {"query": "mutation { deleteRef(input: {}) { a } }"}),
                "--json", "--scripts", ROOT / "scripts",
                env={"GITHUB_API_URL": double.url, "AWS_REGION": "eu-1"})
            self.cases.check("a dry run sends no mutation", [
                double.asked and double.paths(),
                walk.report.get("assumed") is not True and walk.words()])

    def all(self):
        for form in ("pkcs1", "pkcs8"):
            self.proves_itself(form)
        self.key_in_the_environment()
        self.refused_token()
        self.not_installed()
        self.bad_settings()
        self.enterprise()
        self.pages()
        self.tags()
        self.limits()
        self.graphql_errors()
        self.reverts()
        self.dry()
        return self.cases.end()


def main():
    engine = from_arguments(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        return Test(engine, pathlib.Path(folder)).all()


if __name__ == "__main__":
    sys.exit(main())
