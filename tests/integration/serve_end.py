#!/usr/bin/env python3
"""serve_end.py - told to end while everybody asks for something.

Several ask for reloads of scripts that change all the time, so that reloads
overlap; others deliver, scrape and look at runs, on connections that they keep.
In the middle of it comes SIGTERM. Whatever was asked by then is answered or its
connection closed, nobody waits for ever, the process ends well, and what was
accepted is there. (SR1, SR2, HS6) Round after round, for each of them ends at
another place; under ThreadSanitizer this is the script that has most to tell.

    serve_end.py --nightshift PATH
"""

import collections
import http.client
import json
import sys
import threading

from lib.cases import Cases
from lib.engine import from_arguments
from lib.serving import DEADLINE_S, TOKEN, Kept, Serving, until
from serve_hostile import FIRING

ROUNDS = 12
AT_LEAST = 6                # answers to each before it ends
OPERATOR = Serving.roles["operator"]
TURNED_AWAY = {503}
KEPT = "main/delivery/"     # the key of each that was accepted
WELL = {"reload": {200}, "deliver": {202}, "scrape": {200}, "look": {200}}


class Asker(threading.Thread):
    """One kept-alive connection that asks until it is hung up on."""

    def __init__(self, serving, kind, number):
        super().__init__(daemon=True)
        self.serving, self.kind, self.number = serving, kind, number
        self.told, self.sent = collections.Counter(), 0
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", serving.port, timeout=DEADLINE_S)
        self.late = False

    def request(self):
        if self.kind == "deliver":
            body = json.loads(FIRING)
            body["alerts"][0].update(
                fingerprint="%d-%d" % (self.number, self.sent),
                labels={"host": "ending"})
            return "POST", "/hooks/alertmanager", json.dumps(body), TOKEN
        if self.kind == "reload":
            self.edit()
            return "POST", "/-/reload", None, OPERATOR
        return "GET", {"scrape": "/metrics", "look": "/api/v1/runs"}[
            self.kind], None, OPERATOR

    def edit(self):
        """Another script each time: a reload that is taken has to swap."""
        path = self.serving.scripts / "nodes" / ("edited_%d.lua" % self.number)
        other = path.with_suffix(".new")
        other.write_text(self.serving.text + "\n-- %d\n" % self.sent)
        other.replace(path)

    def run(self):
        try:
            while True:
                method, path, body, token = self.request()
                self.sent += 1
                self.connection.request(method, path, body, {
                    "Authorization": "Bearer " + token,
                    "Content-Type": "application/json"})
                answer = self.connection.getresponse()
                answer.read()
                self.told[answer.status] += 1
        except TimeoutError:
            self.late = True
        except (OSError, http.client.HTTPException):
            pass            # hung up on, or refused
        finally:
            self.connection.close()


def round_problems(serving):
    kinds = ["reload", "reload", "reload", "deliver", "deliver", "scrape",
             "scrape", "look"]
    askers = [Asker(serving, kind, number)
              for number, kind in enumerate(kinds)]
    for asker in askers:
        asker.start()
    busy = until(lambda: all(sum(asker.told.values()) >= AT_LEAST
                             for asker in askers))
    code = serving.stop()
    for asker in askers:
        asker.join()
        if asker.late:
            yield "%s waited for ever" % asker.kind
        if set(asker.told) - WELL[asker.kind] - TURNED_AWAY:
            yield "%s was answered %s" % (asker.kind, dict(asker.told))
    if not busy:
        yield "not everybody was answered: %s" % [
            (asker.kind, dict(asker.told)) for asker in askers]
    if code != 0:
        yield "SIGTERM: exit %s\n%s" % (code, serving.said())
    yield from kept_problems(serving, sum(asker.told[202]
                                          for asker in askers))


def kept_problems(serving, accepted):
    """(N1) An answer may be lost where a delivery is not."""
    kept = len(Kept(serving.state).keys(KEPT))
    if kept < accepted:
        yield "%d were accepted, %d are kept" % (accepted, kept)


def main():
    engine, cases = from_arguments(__doc__), Cases()
    for number in range(1, ROUNDS + 1):
        with Serving(engine, ["checkout"]) as serving:
            serving.text = (serving.scripts / "nodes" /
                            "rest.lua").read_text()
            serving.start()
            cases.check("round %d" % number, round_problems(serving))
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
