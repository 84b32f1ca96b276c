#!/usr/bin/env python3
"""serve_alertmanager.py - the real Prometheus and Alertmanager, to `serve`.

The test holds the value that Prometheus scrapes, and with it the alert. What
Alertmanager makes of that - firing, the same again, resolved, another sender's
token, a receiver that is away for a while - goes to /hooks/alertmanager, and
must be in the ledger and in the store as often as it happened.

    serve_alertmanager.py --nightshift PATH
"""

import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from lib import canaries
from lib.cases import Cases
from lib.engine import BARE, from_arguments
from lib.loopback import Loopback
from lib.serving import TOKEN, Kept, Serving, free_port, until

NEEDED = ("prometheus", "prometheus-alertmanager", "promtool", "amtool")
WRONG = "token-of-nobody-that-is-known"

PROMETHEUS = """
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [ "%(folder)s/rules.yml" ]
alerting:
  alertmanagers:
    - static_configs: [ { targets: [ "127.0.0.1:%(alertmanager)d" ] } ]
scrape_configs:
  - job_name: exporter
    static_configs: [ { targets: [ "%(exporter)s" ] } ]
"""
RULES = """
groups:
  - name: shop
    rules:
      - alert: Broken
        expr: shop_broken > 0
        for: 0s
        labels: { service: checkout, cluster: prod }
        annotations: { summary: "checkout is broken" }
"""
ALERTMANAGER = """
route:
  receiver: nightshift
  group_by: [ alertname ]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1s
receivers:
  - name: nightshift
    webhook_configs:
      - url: http://127.0.0.1:%(port)d/hooks/alertmanager
        send_resolved: true
        http_config:
          authorization: { credentials_file: "%(folder)s/token" }
"""


class Exporter(Loopback):
    """One gauge."""

    value = 0

    def handler(self):
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                body = b"shop_broken %d\n" % exporter.value
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
        return Handler


class Monitoring:
    """Both servers, in a folder of their own."""

    def __init__(self, port):
        self.port, self.children = port, []

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="nightshift-prom-")
        self.folder = pathlib.Path(self.scratch.name)
        self.exporter = Exporter().__enter__()
        self.prometheus, self.alertmanager = free_port(), free_port()
        names = {"folder": self.folder, "alertmanager": self.alertmanager,
                 "exporter": self.exporter.address, "port": self.port}
        for name, text in (("prometheus.yml", PROMETHEUS % names),
                           ("rules.yml", RULES),
                           ("alertmanager.yml", ALERTMANAGER % names),
                           ("token", TOKEN)):
            (self.folder / name).write_text(text)
        self.children = [self.spawn(
            "prometheus-alertmanager",
            "--config.file=%s/alertmanager.yml" % self.folder,
            "--storage.path=%s/am" % self.folder,
            "--web.listen-address=127.0.0.1:%d" % self.alertmanager,
            "--cluster.listen-address="), self.spawn(
            "prometheus", "--config.file=%s/prometheus.yml" % self.folder,
            "--storage.tsdb.path=%s/tsdb" % self.folder,
            "--web.listen-address=127.0.0.1:%d" % self.prometheus)]
        return self

    def spawn(self, *words):
        with open(self.folder / (words[0] + ".log"), "wb") as log:
            return subprocess.Popen(words, cwd=self.folder, env=BARE,
                                    stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log)

    def __exit__(self, *_):
        for child in self.children:
            child.terminate()
            child.wait()
        self.exporter.__exit__()
        self.scratch.cleanup()

    def check(self):
        """Both configurations by the tools of their makers."""
        for words in (["promtool", "check", "config", "prometheus.yml"],
                      ["amtool", "check-config", "alertmanager.yml"]):
            done = subprocess.run(words, cwd=self.folder, env=BARE,
                                  capture_output=True, check=False)
            if done.returncode:
                yield "%s: %s" % (words[0], done.stdout + done.stderr)

    def get(self, port, path):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (
                    port, path), timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def ready(self):
        return (self.get(self.prometheus, "/-/ready") and
                self.get(self.alertmanager, "/-/ready"))

    def failed(self):
        """How many notifications Alertmanager could not deliver."""
        return self.count("alertmanager_notification_requests_failed_total")

    def count(self, name):
        for line in self.get(self.alertmanager, "/metrics").split("\n"):
            if line.startswith(name + '{integration="webhook"'):
                return float(line.split()[-1])
        return 0

    def log(self):
        return (self.folder / "prometheus-alertmanager.log").read_text()[-1500:]


def repeats(serving):
    """The same notification again has the same bytes: it is the delivery that
    was accepted before, and its occurrences are not seen again."""
    return serving.metrics().value("nightshift_deliveries_total",
                                   'source="alertmanager",result="duplicate"')


def done(serving):
    return serving.metrics().states().get("done", 0)


def firing_case(cases, monitoring, serving):
    monitoring.exporter.value = 1
    ran = until(lambda: done(serving))
    cases.check("an alert that fires has a run that ends", [
        ran != 1 and "%s\n%s\n%s" % (serving.metrics().states(),
                                     serving.said(), monitoring.log())])
    repeated = until(lambda: repeats(serving) >= 2)
    cases.check("its repeats are the same delivery and start nothing", [
        not repeated and "no repeats came",
        done(serving) != 1 and "%d runs" % done(serving)])


def status_of(serving, keys):
    """The first occurrences, by the store's own records."""
    occurrences = Kept.of_running(serving.state).occurrences()
    return [occurrence["status"] for occurrence in sorted(
        occurrences, key=lambda o: o["started_at"])][:keys]


def resolved_in_store(serving):
    return until(lambda: "resolved" in status_of(serving, 1))


def resolved_case(cases, monitoring, serving):
    monitoring.exporter.value = 0
    cases.check("its end is kept", [
        not resolved_in_store(serving) and "it is still firing: %s" %
        status_of(serving, 9)])
    monitoring.exporter.value = 1
    cases.check("firing again has a run of its own", [
        until(lambda: done(serving) >= 2) != True and "%s" %
        serving.metrics().states()])


def stranger_case(cases, monitoring, serving):
    """Alertmanager reads its token for each request."""
    def refused():
        return serving.metrics().value(
            "nightshift_deliveries_total",
            'source="alertmanager",result="refused"')

    def kept():
        return sum(serving.metrics().values(
            "nightshift_deliveries_kept").values())

    status, _ = serving.ask("POST", "/hooks/alertmanager", "{}", token=WRONG)
    (monitoring.folder / "token").write_text(WRONG)
    # What is on its way with the old one is over once two were refused.
    first = refused()
    came = until(lambda: refused() >= first + 1)
    before = kept()
    more = until(lambda: refused() >= first + 2)
    cases.check("another token is refused and nothing of it is kept", [
        status != 401 and "it was answered %d" % status,
        not (came and more) and "%d were refused" % refused(),
        kept() != before and "%d were kept, not %d" % (kept(), before)])
    (monitoring.folder / "token").write_text(TOKEN)


def away_case(cases, monitoring, serving):
    """It ends while the alert fires, and so does the alert meanwhile."""
    before = repeats(serving)   # the right token works again
    until(lambda: repeats(serving) > before)
    code = serving.stop()
    failed = monitoring.failed()
    monitoring.exporter.value = 0
    missed = until(lambda: monitoring.failed() > failed)
    serving.start()
    came = until(lambda: status_of(serving, 2) == ["resolved"] * 2)
    cases.check("what Alertmanager sends again after a restart is taken", [
        code != 0 and "SIGTERM: exit %s" % code,
        not missed and "nothing was sent meanwhile\n" + monitoring.log(),
        not came and "%s\n%s" % (status_of(serving, 9), serving.said())])


def end_case(cases, monitoring, serving):
    metrics = serving.settled(4)
    code = serving.stop()
    kept = Kept(serving.state)
    asked = len(serving.double.requests("notify:pager"))
    cases.check("in the end the ledger is exact and nothing ran twice", [
        code != 0 and "SIGTERM: exit %s" % code,
        *metrics.ledger_problems(metrics.seen(), done=2,
                                 duplicate=metrics.seen() - 2),
        *kept.run_problems(2),
        len(kept.occurrences()) != 2 and json.dumps(kept.occurrences()),
        asked != 2 and "the pager was called %d times" % asked])


def main():
    engine, cases = from_arguments(__doc__), Cases()
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        cases.skip("Alertmanager", "not installed: " + ", ".join(missing))
        return cases.end()
    canaries.plant("WRONG_TOKEN", WRONG)
    with Serving(engine, ["checkout"]) as serving:
        serving.start()
        with Monitoring(serving.port) as monitoring:
            cases.check("the configurations are Prometheus' own", [
                *monitoring.check(),
                not until(monitoring.ready) and monitoring.log()])
            firing_case(cases, monitoring, serving)
            resolved_case(cases, monitoring, serving)
            stranger_case(cases, monitoring, serving)
            away_case(cases, monitoring, serving)
            end_case(cases, monitoring, serving)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
