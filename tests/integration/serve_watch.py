#!/usr/bin/env python3
"""Files that change are in force, as editors, git and Kubernetes change them.

A real serve; what it says on standard error, in its metrics and on /readyz is
awaited after each change. What must not be told twice is counted once
something later has been told.

    serve_watch.py --nightshift PATH
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from lib.cases import Cases
from lib.engine import BARE, EVENTS, from_arguments
from lib.serving import Serving, until

SETTINGS = """
  github = { url = double }, prometheus = { url = double },
  settle = "20ms", park_after = "150ms", -- more
"""
OPERATOR = Serving.roles["operator"]


class Watched(Serving):
    def __init__(self, engine, playbook="parked", settings=SETTINGS):
        super().__init__(engine, ["checkout"], playbook, settings)

    @property
    def config(self):
        return self.folder / "nightshift.lua"

    @property
    def node(self):
        return self.scripts / "nodes" / "tell_people.lua"

    def count(self, words):
        return sum(words in line for line in list(self.lines))

    def changed(self, before):
        """One more reload was taken than there had been."""
        return until(lambda: self.count("result=changed") > before)

    def expects(self, change):
        """What is wrong when this change is not in force soon."""
        before = self.count("result=changed")
        change()
        return not self.changed(before) and "no reload: " + self.said()

    def reload(self):
        status, text = self.ask("POST", "/-/reload", token=OPERATOR)
        return status, json.loads(text)

    def reloads(self, result):
        return self.metrics().value("nightshift_reloads_total",
                                    'result="%s"' % result)


# --- how files are saved --------------------------------------------------------

def in_place(path, text):
    path.write_text(text)


def rename_over(path, text):
    new = path.with_name(path.name + ".tmp")
    new.write_text(text)
    new.rename(path)


def vim(path, text):
    """A probe, a backup, a new file, and the backup is gone."""
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    backup = path.with_name(path.name + "~")
    path.rename(backup)
    path.write_text(text)
    backup.unlink()


def savers(cases, serve):
    for save in (in_place, rename_over, vim):
        text = serve.node.read_text()
        cases.check("a script saved by %s is in force" % save.__name__, [
            serve.expects(lambda: save(serve.node, text + "-- edited\n"))])
        text = serve.config.read_text()
        cases.check("and a configuration", [serve.expects(
            lambda: save(serve.config, text.replace(
                "-- more", 'drain = "%ds", -- more' % len(text))))])
        serve.config.write_text(serve.config.read_text().replace(
            'drain = "%ds", ' % len(text), ""))
        until(lambda: serve.reload()[1]["status"] == "unchanged")


def broken(cases, serve):
    """Told once for one content, on standard error, in metrics, on /readyz."""
    sound = serve.node.read_text()
    before = serve.reloads("refused")
    serve.node.write_text("return {")
    told = until(lambda: serve.count("reload refused,"))
    ready = serve.ask("GET", "/readyz")
    cases.check("a broken edit changes nothing and says why", [
        not told and serve.said(),
        not serve.count("tell_people.lua:1: ") and serve.said(),
        not until(lambda: any(
            line.startswith("time=") and "reload refused" in line
            for line in list(serve.lines))) and serve.said(),
        ready[0] != 200 and ready, "tell_people" not in ready[1] and ready,
        serve.metrics().value("nightshift_reload_failed") != 1 and "metric"])
    for _ in range(5):
        os.utime(serve.node)
        serve.node.write_text("return {")
    log = serve.folder / "a-neighbour.log"
    log.write_text("written all the time\n")
    cases.check("mended, it is in force", [
        serve.expects(lambda: serve.node.write_text(sound + "-- mended\n")),
        serve.metrics().value("nightshift_reload_failed") != 0 and "metric",
        '"reload"' in serve.ask("GET", "/readyz")[1] and "/readyz"])
    cases.check("and was told once", [
        serve.count("reload refused,") != 1 and serve.said(),
        serve.reloads("refused") != before + 1 and "counted more than once"])


def burst(cases, serve):
    before = serve.reloads("changed")
    for number in range(200):
        (serve.scripts / "lib" / ("part%d.lua" % number)).write_text(
            "return { part = %d }\n" % number)
    until(lambda: serve.reload()[1]["status"] == "unchanged")
    until(lambda: serve.reloads("changed") > before)
    cases.check("200 new files are few reloads", [
        not 1 <= serve.reloads("changed") - before <= 5 and
        "%d reloads" % (serve.reloads("changed") - before)])
    cases.check("and 200 that go are", [
        serve.expects(lambda: [path.unlink() for path in
                               (serve.scripts / "lib").glob("part*.lua")])])


def own_bundle(cases, serve):
    """(N8)"""
    node = serve.scripts / "nodes" / "set_and_park.lua"
    text = node.read_text()
    serve.double.ecs.add_service("prod", "checkout", 2)
    cases.check("a run may sleep for longer than a reload takes", [
        serve.expects(lambda: node.write_text(text.replace(
            "ctx.sleep(0.2)", "ctx.sleep(8)")))])
    serve.ask("POST", "/hooks/alertmanager",
              (EVENTS / "firing.json").read_bytes())
    parked = until(lambda: serve.metrics().states().get("parked"))
    problem = serve.expects(lambda: node.write_text(text.replace(
        'steady and "changed" or "lost"', '"lost"')))
    states = serve.metrics().states()
    cases.check("new scripts come into force while it sleeps", [
        not parked and "it was never parked", problem,
        not states.get("parked") and states])
    done = until(lambda: serve.metrics().states().get("done"))
    cases.check("and it ends on the bundle that it began with", [
        not done and serve.metrics().states()])


def turned_off(cases, serve):
    before = serve.config.read_text()
    cases.check("watching can be turned off by an edit", [serve.expects(
        lambda: serve.config.write_text(before.replace(
            "-- more", "watch = false, -- more")))])
    changed = serve.count("result=changed")
    text = serve.node.read_text()
    serve.node.write_text(text + "-- unseen\n")
    serve.child.send_signal(signal.SIGHUP)
    cases.check("then SIGHUP is what reloads", [
        not serve.changed(changed) and serve.said(),
        serve.count("result=changed") != changed + 1 and serve.said()])
    serve.config.write_text(before)
    cases.check("and turns it on again", [
        serve.reload()[1].get("status") != "changed" and serve.said(),
        serve.expects(lambda: serve.node.write_text(text))])


# --- as Kubernetes mounts it -----------------------------------------------------

def mount(serve):
    serve.original = serve.folder / "original"
    serve.scripts.rename(serve.original)
    serve.scripts.mkdir()
    publish(serve, 1, "")
    for name in ("lib", "nodes", "playbooks", "sources"):
        (serve.scripts / name).symlink_to("..data/" + name)


def publish(serve, generation, comment):
    fresh = serve.scripts / ("..%d" % generation)
    shutil.copytree(serve.original, fresh)
    node = fresh / "nodes" / "tell_people.lua"
    node.write_text(node.read_text() + comment)
    link = serve.scripts / "..data_tmp"
    link.symlink_to(fresh.name)
    link.rename(serve.scripts / "..data")
    for old in serve.scripts.glob("..[0-9]*"):
        if old != fresh:
            shutil.rmtree(old)


def kubernetes(cases, engine):
    with Watched(engine) as serve:
        mount(serve)
        serve.start()
        for generation in (2, 3):
            cases.check("generation %d of a ConfigMap is in force" % generation,
                        [serve.expects(lambda: publish(
                            serve, generation, "-- %d\n" % generation))])
        shutil.rmtree(serve.scripts / "..3")
        refused = until(lambda: serve.count("reload refused,"))
        cases.check("a folder that vanishes is told and changes nothing", [
            not refused and serve.said(),
            serve.ask("GET", "/healthz")[0] != 200 and "it is gone"])
        cases.check("and one that comes back is in force", [
            serve.expects(lambda: publish(serve, 4, "-- 4\n"))])
        (serve.scripts / "policies").symlink_to("/usr")
        outside = until(lambda: serve.count("policies is a link to"))
        cases.check("a link that leads out is refused by name", [
            not outside and serve.said()])
        cases.check("it ends well", [serve.stop()])


# --- by what is found -----------------------------------------------------------

def found_scripts(cases, engine):
    """Neither --scripts nor --config: what lies here, now and later."""
    with tempfile.TemporaryDirectory() as scratch:
        here = pathlib.Path(scratch)
        shutil.copytree(pathlib.Path(__file__).parents[1] / "fixtures" /
                        "live" / "scripts", here / "scripts")
        for path in (here / "scripts" / "playbooks").iterdir():
            if path.stem != "notify":
                path.unlink()
        log = here / "log"
        with open(log, "wb") as err:
            child = subprocess.Popen(
                [engine.binary, "serve", "--state", here / "state", "--listen",
                 "127.0.0.1:0", "--log", "debug"], cwd=here, env={**BARE},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
        try:
            listens = until(lambda: "listening on" in log.read_text())
            child.send_signal(signal.SIGHUP)
            asked = until(lambda: "result=unchanged" in log.read_text())
            (here / "nightshift.lua").write_text('return { drain = "7s" }\n')
            seen = until(lambda: "result=changed" in log.read_text())
            cases.check("without --scripts and --config it reloads as well", [
                not listens and log.read_text(), not asked and log.read_text(),
                not seen and log.read_text()])
        finally:
            child.terminate()
            code = child.wait(30)
        cases.check("and ends well", [code and log.read_text()])


def main():
    engine = from_arguments(__doc__)
    cases = Cases()
    with Watched(engine) as serve:
        serve.start()
        savers(cases, serve)
        broken(cases, serve)
        burst(cases, serve)
        own_bundle(cases, serve)
        turned_off(cases, serve)
        cases.check("SIGTERM ends it well", [serve.stop()])
    kubernetes(cases, engine)
    found_scripts(cases, engine)
    return cases.end()


if __name__ == "__main__":
    main()
