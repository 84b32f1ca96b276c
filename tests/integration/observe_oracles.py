"""observe_oracles.py - logs, metrics and traces, read by parsers of others.

build/oracle/shown writes hostile and random values in every format. Log lines
go through json and the strict logfmt parser of logfmtkv, metrics through both
parsers of prometheus_client and `promtool check metrics`, trace bodies through
protobuf's json_format into opentelemetry-proto's messages. What comes out must
be the value that went in, its bytes mended to UTF-8.

Usage: python tests/integration/observe_oracles.py --shown build/oracle/shown
"""

import argparse
import json
import random
import shutil
import subprocess
import sys

from google.protobuf import json_format
from logfmtkv import parse_pairs
from prometheus_client import parser as classic
from prometheus_client.openmetrics import parser as strict

from lib import collector
from lib.cases import Cases

NAMED = [
    b"plain", b"", b" ", b"a b", b"a=b", b"other", b'"', b'\\', b'\\"', b'ends in \\',
    b"\n", b"a\nlevel=error\n", b'{"a":1}', b"\r\n", b"\t", b"\x1b[31m",
    b"\x7f", b"\xc2\x9b2J", b"\xc2\x85", b"\xe2\x80\xa8\xe2\x80\xa9",
    b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf",
    "ü€😀".encode(), b"null", b"true", b"12", b"\\u0041", b"\\n", b"%s%n",
    b'a"} 9\nforged{b="c', b"# EOF", b"#", b"{}", b",", b"'", b"x" * 100,
]


def random_values(seed, count):
    draw = random.Random(seed)
    alphabet = [bytes([i]) for i in range(1, 256)] + [
        b"\\", b'"', b"=", b" ", b"\n", "é".encode(), "😀".encode(),
        b"\xc2\x80", b"\xef\xbf\xbd"] * 12
    return [b"".join(draw.choice(alphabet) for _ in range(draw.randint(0, 30)))
            for _ in range(count)]


def mended(value):
    """One U+FFFD for every byte that is not part of UTF-8."""
    text, at = "", 0
    while at < len(value):
        for size in (1, 2, 3, 4):
            try:
                text += value[at:at + size].decode()
                break
            except UnicodeDecodeError:
                continue
        else:
            text, size = text + "\ufffd", 1
        at += size
    return text


def shown(options, what, values):
    run = subprocess.run([options.shown, what], check=True, timeout=120,
                         input=b"".join(v + b"\0" for v in values),
                         stdout=subprocess.PIPE)
    return run.stdout


def lines_of(output):
    *lines, rest = output.split(b"\n")
    assert not rest, "the last line has no end"
    return lines


def log_problems(options, what, read, values):
    lines = lines_of(shown(options, what, values))
    if len(lines) != len(values):
        yield "%d lines for %d values" % (len(lines), len(values))
    for line, value in zip(lines, values):
        want = [("time", "2026-03-01T02:03:04.567Z"), ("level", "info"),
                ("run", mended(value)), ("message", mended(value)),
                ("value", mended(value)), ("last", "x")]
        try:
            got = read(line.decode())
        except ValueError as error:
            got = error
        if got != want:
            yield "%r: %r" % (value, got)
        if any(c < 0x20 or c == 0x7f for c in line):
            yield "%r: a control character in %r" % (value, line)


def read_json(line):
    return json.loads(line, object_pairs_hook=list)


def read_logfmt(line):
    return [tuple(pair) for pair in parse_pairs(line, strict=True)]


def samples_of(families):
    return {(s.name, tuple(sorted(s.labels.items()))): s.value
            for family in families for s in family.samples}


def series(samples, name, label):
    return {dict(labels)[label]: value for (sample, labels), value
            in samples.items() if sample == name}


def is_text(value):
    try:
        return bool(value.decode())
    except UnicodeDecodeError:
        return False


def value_problems(samples, values):
    """Every value has its series, with the number that it was given; what is
    no text, and what came when there was no room, is together."""
    want = {}
    for number, value in enumerate(values, 1):
        room = len([known for known in want if known != "other"]) < 64
        name = value.decode() if is_text(value) and room else "other"
        want[name] = want.get(name, 0) + number
    got = series(samples, "nightshift_runs_ended_total", "playbook")
    if got != want:
        yield "differ: %r" % sorted(set(got.items()) ^ set(want.items()))


def histogram_problems(samples, count):
    buckets = series(samples, "nightshift_accept_seconds_bucket", "le")
    want = {le: sum(n / 7.0 <= float(le) for n in range(1, count + 1))
            for le in buckets}
    if buckets != want:
        yield "buckets are %r, not %r" % (buckets, want)
    total = samples[("nightshift_accept_seconds_sum", ())]
    if abs(total - sum(n / 7.0 for n in range(1, count + 1))) > 1e-6:
        yield "the sum is %r" % total


def metrics_problems(options, what, read, values):
    text = shown(options, what, values).decode()
    try:
        samples = samples_of(read(text))
    except ValueError as error:
        yield "refused: %s" % error
        return
    yield from value_problems(samples, values)
    yield from histogram_problems(samples, len(values))


def formats_agree(options, values):
    """A scraper that changes its mind finds the same series."""
    open_text = shown(options, "openmetrics", values).decode()
    old_text = shown(options, "classic", values).decode()
    strip = lambda text: [l for l in text.split("\n") if not l.startswith("#")]
    if strip(open_text) != strip(old_text):
        yield "their samples differ"
    head = lambda text: [l for l in text.split("\n") if l.startswith("# UNIT")]
    if len(head(open_text)) < 5 or head(old_text):
        yield "UNIT is for OpenMetrics alone"


def promtool_problems(options, values):
    run = subprocess.run(["promtool", "check", "metrics"], timeout=60,
                         input=shown(options, "classic", values),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if run.returncode or run.stdout:
        yield "status %d: %s" % (run.returncode, run.stdout.decode())


def spans_of(output):
    for line in lines_of(output):
        request = collector.read_request(line)
        resource = request.resource_spans[0]
        names = {a.key: a.value.string_value
                 for a in resource.resource.attributes}
        assert names == {"service.name": "nightshift",
                         "service.version": "1.0",
                         "service.instance.id": "here"}, names
        yield from resource.scope_spans[0].spans


def span_problems(span, number, value):
    attributes = {a.key: a.value for a in span.attributes}
    found = (span.name, span.status.message, attributes["value"].string_value,
             attributes["number"].int_value, span.kind, span.status.code,
             len(span.trace_id), len(span.span_id), len(span.parent_span_id),
             span.end_time_unix_nano - span.start_time_unix_nano, span.flags)
    want = (mended(value),) * 3 + (number, span.SPAN_KIND_CLIENT,
                                   span.status.STATUS_CODE_ERROR, 16, 8,
                                   8 if number % 2 else 0, number * 10**6, 1)
    if found != want:
        yield "%r: %r, not %r" % (value, found, want)


def trace_problems(options, values):
    try:
        spans = list(spans_of(shown(options, "traces", values)))
    except (ValueError, AssertionError, json_format.ParseError) as error:
        yield "refused: %s" % error
        return
    if len(spans) != len(values):
        yield "%d spans for %d values" % (len(spans), len(values))
    for number, (span, value) in enumerate(zip(spans, values), 1):
        yield from span_problems(span, number, value)


def check_all(options, cases, name, values):
    few = list(dict.fromkeys(values))[:90]  # some past the cap of 64
    for what, read in (("json", read_json), ("logfmt", read_logfmt)):
        cases.check("%s: %s" % (what, name),
                    list(log_problems(options, what, read, values))[:5])
    cases.check("openmetrics: " + name, metrics_problems(
        options, "openmetrics", strict.text_string_to_metric_families, few))
    cases.check("classic: " + name, metrics_problems(
        options, "classic", classic.text_string_to_metric_families, few))
    cases.check("both formats: " + name, formats_agree(options, few))
    if shutil.which("promtool"):
        cases.check("promtool: " + name, promtool_problems(options, few))
    else:
        cases.skip("promtool: " + name, "promtool is not installed")
    cases.check("traces: " + name,
                list(trace_problems(options, values[:2000]))[:5])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--shown", required=True)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    cases = Cases()
    check_all(options, cases, "nothing", [])
    check_all(options, cases, "named values", NAMED)
    check_all(options, cases, "random values",
              random_values(options.seed, 2000))
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
