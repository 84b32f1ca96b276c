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
import sys

from lib import canaries
from lib.cases import Cases
from lib.engine import EVENTS, from_arguments
from lib.serving import DEADLINE_S, Serving, until

SETTINGS = """
  github = { url = double }, prometheus = { url = double },
  settle = "20ms", park_after = "150ms",
"""

# The one playbook sleeps for an hour before its write.
LONG = ("ctx.sleep(0.2)", "ctx.sleep(3600)")


class Serve(Serving):
    roles = {**Serving.roles, "viewer": "token-of-a-viewer-and-no-other"}

    def __init__(self, engine):
        super().__init__(engine, ["checkout"], "parked", SETTINGS)

    def __enter__(self):
        super().__enter__()
        self.double.ecs.add_service("prod", "checkout", 2)
        node = self.scripts / "nodes" / "set_and_park.lua"
        node.write_text(node.read_text().replace(*LONG))
        return self.start()

    def lines_about(self, word):
        return len([line for line in self.lines if word in line])

    def call(self, method, path, role=None, body=None):
        """(status, what the body says, headers)"""
        headers = {"Content-Type": "application/json"}
        if role:
            headers["Authorization"] = "Bearer " + self.roles[role]
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=DEADLINE_S)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        canaries.look("%s %s" % (method, path), text)
        return answer.status, json.loads(text), dict(answer.getheaders())

    def get(self, path):
        return self.call("GET", "/api/v1/" + path, "viewer")[1]

    def until(self, path, holds):
        """The first answer that holds, or the last one."""
        last = {}

        def asked():
            last["answer"] = self.get(path)
            return holds(last["answer"])
        until(asked)
        return last["answer"]

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
                status, body, headers = serve.call(method, "/api/v1/" + path,
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
    got = [(method, path, serve.call(method, "/api/v1/" + path,
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
    status, body, _ = serve.call("POST", "/api/v1/runs/%s/cancel" % run,
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
        ledger["seen"] != 1 and ledger,
        writes])
    status, body, _ = serve.call("POST", "/api/v1/runs/%s/cancel" % run,
                                "operator")
    cases.check("what has ended is a conflict",
                [status != 409 and (status, body)])


def read_again(cases, serve):
    status, body, _ = serve.call("POST", "/hooks/alertmanager", "ingest",
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
    status, body, _ = serve.call(
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
        status, body, _ = serve.call("POST", "/hooks/alertmanager", "ingest",
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
