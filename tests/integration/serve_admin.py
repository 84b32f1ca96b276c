#!/usr/bin/env python3
"""The admin API and the command line tell and do the same, in a real serve.

Four callers ask for everything: nobody, a sender, a viewer and an operator. A
run that sleeps is cancelled before its write, a delivery that its source could
not read is read again; the command line says the same while serve holds the
state directory and once it has ended.

    serve_admin.py --nightshift PATH
"""

import http.client
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from double import Double                                     # noqa: E402
from lib import canaries                                      # noqa: E402
from lib.cases import Cases                                   # noqa: E402
from lib.engine import (BARE, CREDENTIALS, EVENTS, FIXTURES,  # noqa: E402
                        from_arguments)

SCRIPTS = FIXTURES / "live" / "scripts"
DEADLINE_S = 20
TOKENS = {"ingest": "token-of-a-sender-and-no-other",
          "viewer": "token-of-a-viewer-and-no-other",
          "operator": "token-of-an-operator-and-no-other"}

CONFIG = """
local double = env("DOUBLE_URL")
return {
  listen = "127.0.0.1:0",
  tokens = {
    sender = { secret = secret("INGEST_TOKEN"), role = "ingest" },
    looker = { secret = secret("VIEWER_TOKEN"), role = "viewer" },
    doer = { secret = secret("OPERATOR_TOKEN"), role = "operator" },
  },
  aws = { region = "eu-central-1", account = "000000000000",
          endpoint = double },
  github = { url = double }, prometheus = { url = double },
  channels = { pager = { url = double .. "/hook/pager" } },
  settle = "20ms", park_after = "150ms",
  services = { ["prod/checkout"] = { repo = "acme/x", branch = "main" } },
}
"""

# The one playbook sleeps for an hour before its write.
LONG = ("ctx.sleep(0.2)", "ctx.sleep(3600)")


class Serve:
    def __init__(self, engine):
        self.engine = engine

    def __enter__(self):
        self.double = Double().__enter__()
        self.double.ecs.add_service("prod", "checkout", 2)
        self.scratch = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.scratch.name)
        self.state, self.scripts = folder / "state", folder / "scripts"
        self.config = folder / "nightshift.lua"
        self.config.write_text(CONFIG)
        for path in SCRIPTS.rglob("*.lua"):
            name = path.relative_to(SCRIPTS)
            if path.parent.name == "playbooks" and path.stem != "parked":
                continue
            copy = self.scripts / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text().replace(*LONG))
        self.env = {**BARE, **CREDENTIALS, "DOUBLE_URL": self.double.url}
        for role, token in TOKENS.items():
            self.env[role.upper() + "_TOKEN"] = token
            canaries.plant(role.upper() + "_TOKEN", token)
        self.child = subprocess.Popen(
            [self.engine.binary, "serve", "--config", self.config,
             "--state", self.state, "--scripts", self.scripts], cwd="/",
            env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.address, self.lines = None, []
        listening = threading.Event()
        self.reader = threading.Thread(target=self.read, args=(listening,),
                                       daemon=True)
        self.reader.start()
        listening.wait(DEADLINE_S)
        return self

    def read(self, listening):
        for line in self.child.stderr:
            self.lines.append(line.decode(errors="replace"))
            found = re.search(r"^listening on ([\d.]+):(\d+)", self.lines[-1])
            if found:
                self.address = (found[1], int(found[2]))
                listening.set()
        listening.set()

    def lines_about(self, word):
        return len([line for line in self.lines if word in line])

    def stop(self):
        """Its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            code = self.child.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            code = self.child.wait()
        self.reader.join()
        self.child.stderr.close()
        return code

    def __exit__(self, *_):
        if self.child.returncode is None:
            self.stop()
        canaries.look("standard error", "".join(self.lines).encode())
        canaries.look_at_folder(self.state)
        self.double.__exit__()
        self.scratch.cleanup()

    def ask(self, method, path, role=None, body=None):
        """(status, what the body says, headers)"""
        headers = {"Content-Type": "application/json"}
        if role:
            headers["Authorization"] = "Bearer " + TOKENS[role]
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        canaries.look("%s %s" % (method, path), text)
        return answer.status, json.loads(text), dict(answer.getheaders())

    def get(self, path):
        return self.ask("GET", "/api/v1/" + path, "viewer")[1]

    def until(self, path, holds):
        """The first answer that holds, or the last one."""
        limit = time.monotonic() + DEADLINE_S
        while True:
            answer = self.get(path)
            if holds(answer) or time.monotonic() > limit:
                return answer
            time.sleep(0.02)

    def tell(self, *words):
        return self.engine.start(*words, "--state", self.state)



def roles(cases, serve, run):
    """(AD1)"""
    looks = ["ledger", "runs", "runs/" + run, "incidents", "deliveries"]
    deeds = ["runs/run_none/cancel", "deliveries/dlv_none/retry"]
    wants = {None: (401, 401), "ingest": (403, 403), "viewer": (200, 403),
             "operator": (200, 404)}
    for role, (look, deed) in wants.items():
        problems = []
        for method, paths, want in (("GET", looks, look),
                                    ("POST", deeds, deed)):
            for path in paths:
                status, body, headers = serve.ask(method, "/api/v1/" + path,
                                                  role)
                if status != want:
                    problems.append("%s %s: %s %s" % (method, path, status,
                                                      body))
                if status == 401 and "WWW-Authenticate" not in headers:
                    problems.append("a 401 that does not say what is needed")
                if status >= 400 and headers["Content-Type"] != \
                        "application/problem+json":
                    problems.append("a refusal is no problem")
        cases.check("AD1 %s" % (role or "nobody"), problems)


def forms(cases, serve):
    wants = [("GET", "runs/run_none", 404), ("GET", "nothing", 404),
             ("GET", "runs/a%2Fb", 404), ("GET", "runs/" + "a" * 600, 404),
             ("GET", "runs?limit=0", 400), ("GET", "runs?limit=201", 400),
             ("GET", "runs?limit=x", 400), ("GET", "runs?state=some", 400),
             ("GET", "runs?state=open&limit=200", 200),
             ("GET", "deliveries?state=new", 200),
             ("GET", "runs/run_none/cancel", 405), ("POST", "ledger", 405)]
    got = [(method, path, serve.ask(method, "/api/v1/" + path,
                                    "operator")[0])
           for method, path, _ in wants]
    cases.check("what is asked wrongly is refused", [
        pair for pair in zip(wants, got) if pair[0] != pair[1]])


def cancelled(cases, serve, run):
    opened = serve.get("runs?state=open")
    shown = serve.get("runs/" + run)
    cases.check("a run that sleeps is open and has a report", [
        [entry["run"] for entry in opened["runs"]] != [run] and opened,
        opened["runs"][0]["state"] != "parked" and opened,
        shown.get("report", {}).get("run") != run and shown,
        shown.get("open", {}).get("state") != "parked" and shown])
    status, body, _ = serve.ask("POST", "/api/v1/runs/%s/cancel" % run,
                                "operator")
    ended = serve.until("runs/" + run,
                        lambda answer: answer["run"]["state"] == "ended")
    writes = [entry for entry in serve.double.log
              if "UpdateService" in str(entry)]
    ledger = serve.until("ledger", lambda answer:
                         answer["states"]["cancelled"] == 1)
    cases.check("it is cancelled before its write", [
        status != 202 and (status, body),
        ended["run"].get("outcome") != "cancelled" and ended,
        ledger["states"]["cancelled"] != 1 and ledger,
        sum(ledger["states"].values()) != ledger["seen"] and ledger,
        writes])
    status, body, _ = serve.ask("POST", "/api/v1/runs/%s/cancel" % run,
                                "operator")
    cases.check("what has ended is a conflict",
                [status != 409 and (status, body)])


def read_again(cases, serve):
    status, body, _ = serve.ask("POST", "/hooks/alertmanager", "ingest",
                                '{"alerts": 7}')
    delivery = body.get("delivery")
    listed = serve.until("deliveries", lambda answer: answer["count"] == 1 and
                         serve.lines_about(delivery) > 0)["deliveries"]
    cases.check("a delivery that cannot be read is listed with the reason", [
        status != 202 and body,
        [(row["delivery"], row["source"]) for row in listed] !=
        [(delivery, "alertmanager")] and listed,
        not listed[0].get("reason", "").startswith("script") and listed])
    before = serve.lines_about(delivery)
    status, body, _ = serve.ask(
        "POST", "/api/v1/deliveries/%s/retry" % delivery, "operator")
    listed = serve.until("deliveries", lambda answer: answer["count"] == 1 and
                         serve.lines_about(delivery) > before)
    cases.check("and is read again when asked, which says the same", [
        status != 202 and (status, body), listed["count"] != 1 and listed,
        serve.lines_about(delivery) == before and "nobody read it again"])
    return delivery


def told(cases, serve, run, delivery):
    """By the command line, while serve holds the directory."""
    before = serve.lines_about(delivery)
    listed = serve.tell("runs", "list", "--json")
    shown = serve.tell("runs", "show", run, "--json")
    cases.check("DK1 the command line asks the serve that holds it", [
        listed.code and listed.words(),
        [entry["run"] for entry in listed.report.get("runs", [])] != [run] and
        listed.words(),
        shown.report.get("outcome") != "cancelled" and shown.words()])
    kept = serve.tell("incidents", "list", "--json")
    unread = serve.tell("deliveries", "list", "--json")
    again = serve.tell("deliveries", "retry", delivery)
    serve.until("deliveries", lambda answer: answer["count"] == 1 and
                serve.lines_about(delivery) > before)
    cases.check("about incidents and deliveries, too", [
        kept.report.get("count") != 1 and kept.words(),
        [row["delivery"] for row in unread.report.get("deliveries", [])] !=
        [delivery] and unread.words(),
        again.code and again.words(),
        serve.lines_about(delivery) == before and "nobody read it again"])
    walk = serve.tell("runs", "cancel", run)
    missing = serve.tell("runs", "show", "run_none")
    cases.check("and is told why not", [
        walk.code != 1 and walk.words(), "409" not in walk.err and walk.words(),
        "not_found" not in missing.err and missing.words()])


def stale(cases, serve, run):
    """The directory is free again, whatever address was left in it."""
    listed = serve.tell("runs", "list", "--json")
    cases.check("once serve has ended the records tell the same", [
        [(entry["run"], entry.get("outcome"), entry["state"]) for entry in
         listed.report.get("runs", [])] !=
        [(run, "cancelled", "ended")] and listed.words()])


def main():
    engine = from_arguments(__doc__)
    cases = Cases()
    with Serve(engine) as serve:
        status, body, _ = serve.ask("POST", "/hooks/alertmanager", "ingest",
                                    (EVENTS / "firing.json").read_text())
        cases.check("a notification is taken", [status != 202 and body])
        parked = serve.until("runs?state=open", lambda answer: [
            run for run in answer["runs"] if run["state"] == "parked"])
        run = parked["runs"][0]["run"]
        roles(cases, serve, run)
        forms(cases, serve)
        cancelled(cases, serve, run)
        delivery = read_again(cases, serve)
        told(cases, serve, run, delivery)
        cases.check("SIGTERM ends it well", [serve.stop()])
        stale(cases, serve, run)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
