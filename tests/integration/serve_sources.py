#!/usr/bin/env python3
"""serve_sources.py - every shipped source, behind the lock of its sender.

One `serve` with the sources of scripts/, each with its own authentication. The
deliveries are those of tests/fixtures/sources, signed here by code that is not
ours: what fires must run once, repeats must not, an end must end what began
before it and nothing else, in whichever order they come. What a source does
not understand is answered 202, kept with the reason, and read again when the
source has been mended.

    serve_sources.py --nightshift PATH
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import shutil
import sys
import uuid

import standardwebhooks.webhooks

from lib import canaries
from lib.cases import Cases
from lib.engine import FIXTURES, ROOT, from_arguments
from lib.serving import DEADLINE_S, TOKEN, Kept, Serving, until

DELIVERIES = FIXTURES / "sources"

SECRETS = {
    "GITHUB_HOOK": "secret-of-the-hub-and-no-other",
    "PAGERDUTY_HOOK": "secret-of-the-pager-and-no-other",
    "GENERIC_HOOK": "whsec_" + base64.b64encode(
        b"secret-of-anything-and-no-other!").decode(),
    "GRAFANA_HOOK": "secret-of-grafana-and-no-other",
    "CLOUDWATCH_HOOK": "secret-of-an-api-destination-and-no-other",
    "SNS_HOOK": "secret-of-a-topic-and-no-other",
}

SETTINGS = """
  sources = {
    github     = { auth = "github", secret = secret("GITHUB_HOOK") },
    pagerduty  = { auth = "pagerduty", secret = secret("PAGERDUTY_HOOK") },
    generic    = { auth = "standard", secret = secret("GENERIC_HOOK") },
    grafana    = { auth = "bearer", secret = secret("GRAFANA_HOOK") },
    cloudwatch = { auth = "bearer", secret = secret("CLOUDWATCH_HOOK") },
    alarms     = { auth = "basic", user = "sns", secret = secret("SNS_HOOK"),
                   script = "cloudwatch" },
  },
"""

PLAYBOOK = """
return {
  about   = "Tell people.",
  trigger = { source = "%s" },
  key     = { "$incident.fingerprint" },
  limits  = { attempts = 1, deadline = "5m" },
  start   = "act",
  nodes   = {
    act = { use = "tell_people", with = { service = "$incident.fingerprint" },
            next = { told = "done", untold = "escalation" } },
    escalation = { use = "escalation" },
  },
}
"""


# --- signers ------------------------------------------------------------------

def hex_mac(name, body):
    return hmac.new(SECRETS[name].encode(), body, hashlib.sha256).hexdigest()


def sign_github(body):
    return {"X-Hub-Signature-256": "sha256=" + hex_mac("GITHUB_HOOK", body),
            "X-GitHub-Delivery": str(uuid.uuid4())}


def sign_pagerduty(body):
    # Another key's MAC first, as while secrets rotate.
    return {"X-PagerDuty-Signature": "v1=%s,v1=%s" % (
        "0" * 64, hex_mac("PAGERDUTY_HOOK", body))}


def sign_generic(body):
    now, name = datetime.datetime.now(datetime.timezone.utc), str(uuid.uuid4())
    signature = standardwebhooks.webhooks.Webhook(
        SECRETS["GENERIC_HOOK"]).sign(name, now, body.decode())
    return {"webhook-id": name, "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature}


def sign_basic(body):
    pair = "sns:" + SECRETS["SNS_HOOK"]
    return {"Authorization": "Basic " + base64.b64encode(
        pair.encode()).decode(), "Content-Type": "text/plain; charset=UTF-8"}


def bearer(name):
    return lambda body: {"Authorization": "Bearer " + SECRETS[name]}


SIGNERS = {"github": sign_github, "pagerduty": sign_pagerduty,
           "generic": sign_generic, "grafana": bearer("GRAFANA_HOOK"),
           "cloudwatch": bearer("CLOUDWATCH_HOOK"),
           "alarms": sign_basic,
           "backup": lambda body: {"Authorization": "Bearer " + TOKEN}}


# --- what is sent -------------------------------------------------------------

def fixture(name, **moments):
    """The delivery; every text that is a moment of `moments` is replaced, as
    is what else is given by its path: a__b__0=value."""
    one = json.loads((DELIVERIES / (name + ".json")).read_text())
    for path, value in moments.items():
        at, *rest = reversed(path.split("__"))
        place = one["body"]
        for step in reversed(rest):
            place = place[int(step) if isinstance(place, list) else step]
        place[int(at) if isinstance(place, list) else at] = value
    return one


def at(minute):
    return "2026-03-01T02:%02d:00Z" % minute


ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:checkout-5xx"


def aws_at(minute):
    return "2026-03-01T02:%02d:00.000+0000" % minute


def github(minute, good):
    return fixture("github_workflow_" + ("succeeded" if good else "failed"),
                   workflow_run__run_started_at=at(minute))


def deployment(minute, good):
    return fixture("github_deployment_" + ("succeeded" if good else "failed"),
                   deployment_status__created_at=at(minute))


def pagerduty(minute, good):
    """It begins once, and after that it is reopened."""
    if good:
        return fixture("pagerduty_resolved", event__occurred_at=at(minute))
    if minute == 10:
        return fixture("pagerduty_triggered",
                       event__data__created_at=at(minute))
    return fixture("pagerduty_reopened", event__occurred_at=at(minute))


def generic(minute, good):
    if good:
        return fixture("generic_ended", ended_at=at(minute))
    return fixture("generic_one", started_at=at(minute))


def event(minute, good):
    return fixture("cloudwatch_event_" + ("ok" if good else "alarm"),
                   detail__state__timestamp=aws_at(minute))


def alarm(minute, good, arn=ARN + "-by-sns"):
    """In SNS's envelope one way, raw the other."""
    if good:
        return fixture("cloudwatch_sns_raw_ok", AlarmArn=arn,
                       StateChangeTime=aws_at(minute))
    one = fixture("cloudwatch_sns_alarm")
    message = json.loads(one["body"]["Message"])
    message.update(AlarmArn=arn, StateChangeTime=aws_at(minute))
    one["body"]["Message"] = json.dumps(message)
    return one


def grafana(minute, good):
    """Of an end, both moments are the end."""
    one = fixture("grafana_firing", alerts__0__startsAt=at(minute))
    if good:
        one["body"]["alerts"][0].update(status="resolved", endsAt=at(minute))
    return one


FLOWS = {"github, workflow runs": github, "github, deployments": deployment,
         "pagerduty": pagerduty, "generic": generic,
         "cloudwatch, EventBridge": event, "cloudwatch, SNS": alarm,
         "grafana": grafana}

# (minute, good, what it is) and how the store must have it at the end, by the
# moment that names it.
ORDER = [
    (10, False, "it fires"),
    (10, False, "again: another delivery of the same"),
    (20, True, "its end"),
    (30, False, "it flaps: a new one"),
    (25, True, "an end from before that, late"),
    (5, False, "a firing from before the first end, late"),
]
OUTCOME = {10: ("resolved", "done"), 20: ("resolved", "duplicate"),
           30: ("firing", "done"), 25: ("resolved", "recovered"),
           5: ("resolved", "recovered")}


def documented():
    """The source that the documentation shows."""
    text = (ROOT / "docs" / "extending.md").read_text()
    return text.partition("### Your own")[2].partition("```lua\n")[2].partition(
        "```")[0]


class Sources(Serving):
    """Serving, with the sources that are shipped."""

    environment, sent = SECRETS, []

    def __enter__(self):
        super().__enter__()
        for name, secret in SECRETS.items():
            canaries.plant(name, secret)
        shutil.rmtree(self.scripts / "sources")
        shutil.copytree(ROOT / "scripts" / "sources", self.scripts / "sources")
        for path in (ROOT / "scripts" / "lib").glob("*.lua"):
            shutil.copy(path, self.scripts / "lib")
        (self.scripts / "sources" / "backup.lua").write_text(documented())
        self.write_playbooks()
        return self

    def write_playbooks(self):
        for path in (self.scripts / "playbooks").iterdir():
            path.unlink()
        for name in set(SIGNERS) - {"alarms"}:
            (self.scripts / "playbooks" / (name + ".lua")).write_text(
                PLAYBOOK % name)

    def send(self, source, headers, body, sign=None):
        """(status, answer); unlike the sender's own, each has its bytes."""
        raw = json.dumps(body, indent=len(self.sent) % 3 or None).encode()
        self.sent.append(source)
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=DEADLINE_S)
        try:
            connection.request("POST", "/hooks/" + source, raw, {
                "Content-Type": "application/json",
                "X-GitHub-Event": headers.get("x-github-event", "-"),
                **(sign or SIGNERS[source])(raw)})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def operate(self, method, path):
        status, text = self.ask(method, path, token=self.roles["operator"])
        return status, json.loads(text or "null")

    def unread(self):
        return self.operate(
            "GET", "/api/v1/deliveries?state=unparsed")[1]["deliveries"]

    def told(self):
        """How many runs there were: each tells the pager once."""
        return len(self.double.requests("notify:pager"))


def read_problems(serving, seen):
    """Awaits that so many occurrences have been seen and stand still."""
    metrics = serving.settled(seen)
    if metrics.seen() != seen:
        yield "%d occurrences were seen, not %d\n%s" % (
            metrics.seen(), seen, serving.said())


def moment_of(minute, flow):
    return aws_at(minute).replace("+0000", "+00:00") if flow in (
        event, alarm) else at(minute)


def kept_problems(serving, source, key, flow):
    kept = Kept.of_running(serving.state)
    found = {one["started_at"] or one["ended_at"]:
             (one["status"], one["state"])
             for one in kept.under("main/occurrence/%s/" % source)
             if one["key"] == key}
    wanted = {moment_of(minute, flow): how for minute, how in OUTCOME.items()}
    for moment in sorted({*found, *wanted}):
        if found.get(moment) != wanted.get(moment):
            yield "%s: %s, expected %s" % (moment, found.get(moment),
                                           wanted.get(moment))


def flow_case(cases, serving, name, flow):
    seen, told = serving.metrics().seen(), serving.told()
    problems, first = [], flow(*ORDER[0][:2])
    key = first["gives"][0]["key"] + ("-by-sns" if flow is alarm else "")
    for minute, good, what in ORDER:
        one = flow(minute, good)
        status, answer = serving.send(one["source"], one["headers"],
                                      one["body"])
        seen += 1
        problems += [status != 202 and "%s: %d %s" % (what, status, answer),
                     *("%s: %s" % (what, problem) for problem in
                       read_problems(serving, seen))]
    cases.check(name + ": starts, repeats, ends and flaps in any order", [
        *problems, *kept_problems(serving, one["source"], key, flow),
        serving.told() != told + 2 and "%d runs told people, not 2" % (
            serving.told() - told)])


def same_alarm_case(cases, serving):
    """An alarm that comes both ways is one."""
    both = [fixture("cloudwatch_event_alarm",
                    detail__state__timestamp=aws_at(50)),
            alarm(50, False, ARN)]
    seen, told = serving.metrics().seen(), serving.told()
    for one in both:
        serving.send(one["source"], one["headers"], one["body"])
        seen += 1
    cases.check("an alarm by SNS and by EventBridge is one occurrence", [
        *read_problems(serving, seen),
        serving.told() != told + 1 and "%d runs" % (
            serving.told() - told)])


def second_door_case(cases, serving):
    """SNS shows user and password, and calls its JSON plain text."""
    one, told = alarm(50, False, ARN), serving.told()
    seen = serving.metrics().seen()
    status, _ = serving.send("alarms", {}, one["body"])
    connection = http.client.HTTPConnection("127.0.0.1", serving.port,
                                            timeout=DEADLINE_S)
    connection.request("POST", "/hooks/alarms", "{}")
    asked = connection.getresponse()
    connection.close()
    cases.check("two doors share a source and no occurrence", [
        status != 202 and "it was answered %d" % status,
        *read_problems(serving, seen + 1),
        serving.told() != told + 1 and "%d runs" % (serving.told() - told)])
    cases.check("who shows no password is asked for it", [
        asked.status != 401 and asked.status,
        "Basic" not in asked.headers.get("WWW-Authenticate", "") and
        asked.headers.items()])


def documented_case(cases, serving):
    """The source of docs/extending.md, as it stands there."""
    seen, told = serving.metrics().seen(), serving.told()
    for sent, (result, minute) in enumerate((("failed", 10), ("ok", 20),
                                             ("failed", 30))):
        serving.send("backup", {}, {"job": "nightly", "result": result,
                                    "finished": at(minute)})
        serving.settled(seen + sent + 1)
    kept = Kept.of_running(serving.state).under("main/occurrence/backup/")
    cases.check("the source that the documentation shows works", [
        *read_problems(serving, seen + 3),
        serving.told() != told + 2 and "%d runs" % (serving.told() - told),
        sorted(one["status"] for one in kept) != [
            "firing", "resolved", "resolved"] and kept])


def nothing_case(cases, serving):
    """What a sender also sends is taken, read, and starts nothing."""
    before, parsed = serving.metrics(), 0
    for name in ("github_ping", "github_push", "github_workflow_cancelled",
                 "pagerduty_ping", "pagerduty_acknowledged",
                 "cloudwatch_sns_no_data", "generic_empty_list"):
        one = fixture(name)
        status, _ = serving.send(one["source"], one["headers"], one["body"])
        parsed += status == 202
    done = until(lambda: not serving.metrics().value(
        "nightshift_deliveries_kept", 'state="waiting"'))
    cases.check("ping and its like are read and start nothing", [
        parsed != 7 and "%d were taken" % parsed,
        not done and "they wait to be read",
        serving.metrics().seen() != before.seen() and "something was seen",
        serving.unread() and serving.unread()])


def strangers_case(cases, serving):
    """Right bytes, wrong proof."""
    def wrong(source):
        def sign(raw):
            return {**SIGNERS[source](raw + b" "), **(
                {"Authorization": "Bearer wrong"}
                if source in ("grafana", "cloudwatch") else {})}
        return sign
    def kept():
        return sum(name.startswith("main/delivery/") for name in
                   Kept.of_running(serving.state).rows)
    before = kept()
    for name in ("github_workflow_failed", "pagerduty_triggered",
                 "generic_one", "grafana_firing", "cloudwatch_event_alarm"):
        one = fixture(name)
        for how, sign in (("another's", wrong(one["source"])),
                          ("no", lambda raw: {})):
            status, answer = serving.send(one["source"], one["headers"],
                                          one["body"], sign)
            cases.check("%s, %s proof" % (name, how), [
                status != 401 and "%d %s" % (status, answer)])
    cases.check("nothing of them is kept", [
        kept() != before and "%d, before %d" % (kept(), before)])


# After all that was sent before, so that it is over by no end of that.
LATE = {"github_odd_moment": {"workflow_run__created_at": at(55)},
        "pagerduty_service_odd": {"event__data__created_at": at(55)},
        "grafana_version": {"alerts__0__startsAt": at(55)}}

# A delivery that is refused, the words of its reason, and the edit of the
# source after which it is understood.
MENDED = {
    "github_odd_moment": (
        "workflow_run.run_started_at",
        'payload.moment(run, "run_started_at", place)',
        'payload.moment(run, "created_at", place)'),
    "generic_status_odd": (
        "acknowledged",
        'local status = payload.status(one, "status", place)',
        'local status = one.status == "acknowledged" and "firing"\n'
        '    or payload.status(one, "status", place)'),
    "pagerduty_service_odd": (
        "event.data.service.summary",
        'service = summary(data, "service"),', ""),
    "cloudwatch_event_no_arn": (
        "resources[0]",
        "arn = arn_of(event, root),",
        'arn = payload.text(detail, "alarmName", place),'),
    "grafana_version": ("version", '"1", finish', '"2", finish'),
}


def refuse_all(cases, serving):
    """{id of the delivery: name of the fixture}"""
    ids = {}
    for name in MENDED:
        one = fixture(name, **LATE.get(name, {}))
        status, answer = serving.send(one["source"], one["headers"],
                                      one["body"])
        cases.check(name + " is accepted, whatever is in it", [
            status != 202 and "%d %s" % (status, answer)])
        ids[answer.get("delivery")] = name
    until(lambda: len(serving.unread()) == len(ids))
    rows = {row["delivery"]: row for row in serving.unread()}
    for id_, name in ids.items():
        reason = rows.get(id_, {}).get("reason", "nothing")
        cases.check(name + " is kept, and the reason names the place", [
            MENDED[name][0] not in reason and reason])
    return ids


def mend_case(cases, serving):
    ids = refuse_all(cases, serving)
    before, told = serving.metrics().seen(), serving.told()
    for id_ in ids:                     # not mended yet: it comes back
        serving.operate("POST", "/api/v1/deliveries/%s/retry" % id_)
    came_back = until(lambda: len(serving.unread()) == len(ids))
    cases.check("read again with the same source, they come back", [
        not came_back and serving.unread(),
        serving.metrics().seen() != before and "something was seen"])
    for name, (_, old, new) in MENDED.items():
        path = serving.scripts / "sources" / (name.split("_")[0] + ".lua")
        text = path.read_text()
        assert text.count(old) == 1, (name, text.count(old))
        path.write_text(text.replace(old, new))
    status, answer = serving.operate("POST", "/-/reload")
    cases.check("the mended sources are loaded", [
        (status, answer.get("status")) != (200, "changed") and answer])
    walk = serving.engine.start("deliveries", "retry", "--all", "--state",
                                serving.state, "--json")
    cases.check("all that was kept is read again", [
        walk.report != {"count": len(ids), "state": "new"} and walk.words()])
    cases.check("and each gives the run that it should have given", [
        *read_problems(serving, before + len(ids)),
        serving.told() != told + len(ids) and "%d runs" % (
            serving.told() - told),
        serving.unread() and serving.unread()])


def end_case(cases, serving):
    metrics = serving.metrics()
    code = serving.stop()
    kept = Kept(serving.state)
    cases.check("in the end the ledger is exact", [
        code != 0 and "SIGTERM: exit %s" % code,
        *metrics.ledger_problems(metrics.seen()),
        *kept.run_problems(len(kept.runs()))])


def main():
    engine, cases = from_arguments(__doc__), Cases()
    with Sources(engine, ["checkout"], settings=SETTINGS) as serving:
        serving.start()
        for name, flow in FLOWS.items():
            flow_case(cases, serving, name, flow)
        same_alarm_case(cases, serving)
        second_door_case(cases, serving)
        documented_case(cases, serving)
        nothing_case(cases, serving)
        strangers_case(cases, serving)
        mend_case(cases, serving)
        end_case(cases, serving)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
