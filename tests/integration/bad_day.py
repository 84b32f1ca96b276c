"""bad_day.py - the network on a bad day, and what each class makes of it.

`nightshift call --live` against peers on loopback that refuse, swallow, drip,
stall, cut, reset, flood and lie about who they are. Each call has to end
within its deadline, to say whether its request was not sent, unknown or
answered, and to follow the rules of its class; the server counts.

Usage: bad_day.py --nightshift PATH
"""

import concurrent.futures
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import warnings

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from lib import bad_peer                                        # noqa: E402
from lib.cases import Cases                                     # noqa: E402
from lib.engine import CREDENTIALS, from_arguments              # noqa: E402

DEADLINE = 1            # seconds for one request, where it has to run out
PATIENCE = 20           # where the peer ends it first, on a slow machine too
SLACK = 40              # backoff of three retries, a slow machine
NAMED = {"cluster": "prod", "service": "checkout"}
ASK = ("aws", "ecs:DescribeServices", {"cluster": "prod",
                                       "services": ["checkout"]})
SET = ("aws", "ecs:UpdateService", {**NAMED, "desiredCount": 5})
TOKEN = ("aws", "ecs:RunTask", {"cluster": "prod", "taskDefinition": "job"})
VERIFY = ("aws", "ecs:UpdateService", {**NAMED, "forceNewDeployment": True})
ONCE = ("aws", "ecs:PutAttributes", {"cluster": "prod"})
NOTIFY = ("notify", "pager", {"title": "t"})

# Of these nobody can know whether the request was applied.
SLOW = ["silent", "drip", "stall"]
LARGE = ["huge", "hugechunks", "bomb"]
LOST = SLOW + LARGE + ["cut", "cutchunks", "reset", "close", "error"]


class Call:
    """One `nightshift call` that has ended."""

    def __init__(self, walk, seconds):
        self.code, self.words, self.seconds = walk.code, walk.words(), seconds
        self.report = walk.report
        self.error = self.report.get("error", {})


class Caller:
    def __init__(self, engine, root):
        self.engine, self.root, self.made = engine, root, 0

    def __call__(self, what, url, how="", env=None, config=""):
        kind, name, args = what
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.root))
        (folder / "nightshift.lua").write_text(
            'return { effect_timeout = "%ds", settle = "0s", %s\n'
            '  channels = { pager = { url = "%s/hook/pager" } } }' % (
                DEADLINE if how in SLOW else PATIENCE, config, url))
        begun = time.monotonic()
        walk = self.engine.start(
            "call", kind, name, json.dumps(args), "--live", "--json",
            "--state", folder / "state", "--config", folder / "nightshift.lua",
            env={**CREDENTIALS, "AWS_ENDPOINT_URL": url,
                 "AWS_EC2_METADATA_DISABLED": "true", **(env or {})},
            seconds=120)
        return Call(walk, time.monotonic() - begun)


def differs(call, *wanted):
    """Sentences about what is not as wanted: (what, is, should be)."""
    wrong = ["%s: %r, not %r" % (what, got, want)
             for what, got, want in wanted if got != want]
    if call.seconds > 4 * DEADLINE + SLACK:
        wrong.append("took %.1f s" % call.seconds)
    return wrong + [call.words] if wrong else []


# --- nobody there ----------------------------------------------------------


def unsent(call, cases, name, where, code):
    """Not sent: a read is retried and fails, a write fails and is not unknown,
    however often it may be repeated."""
    for words, what in (("a read", ASK), ("a token write", TOKEN),
                        ("a message", NOTIFY), ("a once write", ONCE)):
        with where() as nobody:
            done = call(what, nobody.url, "silent")
        cases.check("%s: %s was not sent" % (name, words), differs(
            done, ("exit", done.code, 1),
            ("code", done.error.get("code"), code)))


# --- answers that are lost -------------------------------------------------


def lost_read(call, cases, how):
    with bad_peer.Peer() as peer:
        peer.misbehave("ecs:DescribeServices", how)
        done = call(ASK, peer.url, how)
        cases.check("%s: a read is asked again" % how, differs(
            done, ("exit", done.code, 0),
            ("requests", peer.count("ecs:DescribeServices"), 2)))


def large_read(call, cases, how):
    """It was answered; asked again it would be as large."""
    with bad_peer.Peer() as peer:
        peer.misbehave("ecs:DescribeServices", how)
        done = call(ASK, peer.url, how)
        cases.check("%s: a read is an error" % how, differs(
            done, ("exit", done.code, 1),
            ("code", done.error.get("code"), "limit"),
            ("requests", peer.count("ecs:DescribeServices"), 1)))
        cases.check("%s: the client stopped reading" % how, [
            peer.sent > 64 << 20 and "%d bytes were taken" % peer.sent])


def lost_for_good(call, cases, how):
    with bad_peer.Peer() as peer:
        peer.misbehave("ecs:DescribeServices", how, 99)
        done = call(ASK, peer.url, how)
        cases.check("%s: a read is given up after three retries" % how, differs(
            done, ("exit", done.code, 1), ("answer", "answer" in done.report,
                                           False),
            ("requests", peer.count("ecs:DescribeServices"), 4)))


def lost_set(call, cases, how, applies):
    with bad_peer.Peer() as peer:
        peer.misbehave("ecs:UpdateService", how, applies=applies)
        done = call(SET, peer.url, how)
        cases.check("%s: a set that was %s" % (how, said(applies)), differs(
            done, ("exit", done.code, 0),
            ("reads", peer.count("ecs:DescribeServices"), 2),
            ("requests", peer.count("ecs:UpdateService"), 2 - applies),
            ("changes", peer.changes("ecs:UpdateService"), 1),
            ("count", peer.ecs.services["prod", "checkout"]["desiredCount"],
             5)))


def lost_verify(call, cases, how, applies):
    with bad_peer.Peer() as peer:
        peer.misbehave("ecs:UpdateService", how, applies=applies)
        done = call(VERIFY, peer.url, how)
        cases.check("%s: a verify write that was %s" % (how, said(applies)),
                    differs(
            done, ("exit", done.code, 0),
            ("requests", peer.count("ecs:UpdateService"), 2 - applies),
            ("changes", peer.changes("ecs:UpdateService"), 1)))


def said(applies):
    return "applied is found" if applies else "not applied is sent again"


def lost_token(call, cases, how):
    with bad_peer.Peer() as peer:
        peer.misbehave("ecs:RunTask", how)
        done = call(TOKEN, peer.url, how)
        tokens = {request.args.get("clientToken")
                  for request in peer.requests("ecs:RunTask")}
        cases.check("%s: a token write is sent again with its token" % how,
                    differs(
            done, ("exit", done.code, 0),
            ("requests", peer.count("ecs:RunTask"), 2),
            ("tokens", len(tokens - {None, ""}), 1),
            ("tasks", peer.changes("ecs:RunTask"), 1)))


def lost_notify(call, cases, how):
    with bad_peer.Peer() as peer:
        peer.misbehave("notify", how, 99)
        done = call(NOTIFY, peer.url, how)
        keys = {request.headers.get("idempotency-key")
                for request in peer.requests("notify")}
        cases.check("%s: a message is sent at most once again" % how, differs(
            done, ("exit", done.code, 3), ("keys", len(keys - {None}), 1),
            ("requests", peer.count("notify"), 2)))


def lost_once(call, cases, how):
    with bad_peer.Peer() as peer:
        peer.misbehave("ecs:PutAttributes", how, 99)
        done = call(ONCE, peer.url, how)
        cases.check("%s: a once write is never sent again" % how, differs(
            done, ("exit", done.code, 3),
            ("requests", peer.count("ecs:PutAttributes"), 1),
            ("code", done.error.get("code"), "unknown"),
            ("class", done.report.get("class"), "once"),
            ("question", done.report.get("request"), ONCE[2])))


def lost_in_the_journal(call, cases):
    """Read back over a connection that is as bad: still unknown, sent once."""
    with bad_peer.Peer() as peer:
        peer.misbehave("ecs:UpdateService", "reset")
        peer.misbehave("ecs:DescribeServices", "well")
        peer.misbehave("ecs:DescribeServices", "cut", 99)
        done = call(VERIFY, peer.url)
        cases.check("a write that cannot be read back stays unknown", differs(
            done, ("exit", done.code, 3),
            ("requests", peer.count("ecs:UpdateService"), 1),
            ("code", done.error.get("code"), "unknown")))


# --- redirects -------------------------------------------------------------


def redirected(call, cases, how, what, key):
    """To the metadata address, and to another origin that counts."""
    with bad_peer.Peer() as peer, bad_peer.Peer() as other:
        for target in ("http://169.254.169.254/latest/meta-data/",
                       other.url + "/stolen"):
            peer.seen.clear()
            peer.target = target
            peer.misbehave(key, how, 99)
            done = call(what, peer.url)
            cases.check("%s of %s to %s is an error and not followed" % (
                how, key, target.split("/")[2].split(":")[0]), differs(
                done, ("exit", done.code, 1), ("answer",
                                               "answer" in done.report, False),
                ("requests", peer.count(key), 1),
                ("requests elsewhere", len(other.seen), 0),
                ("status", done.error.get("status"),
                 302 if how == "redirect" else 307)))


# --- names that change their mind -------------------------------------------


def build_resolver(root):
    library = root / "resolver.so"
    done = subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", library, HERE / "lib/resolver.c",
         "-ldl"], capture_output=True, check=False)
    return library if done.returncode == 0 else None


def name_says(call, cases, root, library, name, addresses, wanted):
    """ctx.http, which a script names hosts for: public addresses only.
    `wanted`: exit code, requests at the server, addresses connected to."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=root))
    (folder / "says").write_text("".join(a + "\n" for a in addresses))
    (folder / "log").touch()
    with bad_peer.Peer() as peer:
        done = call(
            ("http", "GET http://flips.example/x", {}), peer.url,
            env={"LD_PRELOAD": str(library),
                 # It stands in front of the sanitizers' own library.
                 "ASAN_OPTIONS": "verify_asan_link_order=0",
                 "RESOLVER_SAYS": str(folder / "says"),
                 "RESOLVER_LOG": str(folder / "log"),
                 "RESOLVER_PORT": str(peer.port)},
            config='http = { allow = { "flips.example" },'
                   ' reads = { "GET flips.example/x" } },')
        lines = (folder / "log").read_text().splitlines()
        reached = {line.split()[1] for line in lines
                   if line.startswith("connect ")}
        cases.check(name, differs(
            done, ("exit", done.code, wanted[0]),
            ("requests", peer.count("http"), wanted[1]),
            ("asked the resolver", "resolve flips.example" in lines, True),
            ("connected to", reached, wanted[2])))


def names(call, cases, root):
    library = build_resolver(root)
    if not library:
        cases.skip("a name that flips", "no gcc to build its resolver")
        return
    for name, addresses, wanted in (
            ("a name with a public address is reached", ["8.8.8.8"],
             (0, 1, {"8.8.8.8"})),
            ("a name that flips to loopback is not", ["127.0.0.1"],
             (1, 0, set())),
            ("a name that flips to a private address is not", ["10.0.0.7"],
             (1, 0, set())),
            ("a name that flips to the metadata service is not",
             ["169.254.169.254"], (1, 0, set())),
            ("a private address behind a dead public one is not",
             ["8.8.4.4", "127.0.0.1"], (1, 0, {"8.8.4.4"}))):
        name_says(call, cases, root, library, name, addresses, wanted)


# --- TLS -------------------------------------------------------------------


def openssl(root, *arguments):
    subprocess.run(["openssl", *map(str, arguments)], cwd=root, check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)


def certificates(root):
    """An authority and three servers of it: good, expired, of another name."""
    openssl(root, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2,
            "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    (root / "index").touch()
    (root / "serial").write_text("01\n")
    (root / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\n"
        "new_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\n"
        "default_md=sha256\npolicy=p\ncopy_extensions=copy\n"
        "unique_subject=no\n[p]\ncommonName=supplied\n")
    for name, host, start, end in (
            ("good", "localhost", "20200101000000Z", "20490101000000Z"),
            ("expired", "localhost", "20200101000000Z", "20200201000000Z"),
            ("other", "elsewhere.example", "20200101000000Z",
             "20490101000000Z")):
        openssl(root, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj",
                "/CN=" + host, "-addext", "subjectAltName=DNS:" + host,
                "-keyout", name + ".key", "-out", name + ".csr")
        openssl(root, "ca", "-batch", "-config", "ca.cnf", "-startdate", start,
                "-enddate", end, "-in", name + ".csr", "-out", name + ".pem",
                "-notext")


def tls(root, name, old=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(root / (name + ".pem"), root / (name + ".key"))
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():     # that it is old is the point
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1
    return lambda sock: context.wrap_socket(sock, server_side=True)


def distrusted(call, cases, root, words, wrap, what, key, wanted):
    with bad_peer.Peer(wrap) as peer:
        done = call(what, "https://localhost:%d" % peer.port,
                    config='http = { ca_file = "%s" },' % (root / "ca.pem"))
        cases.check("%s: %s" % (words, key), differs(
            done, ("exit", done.code, wanted),
            ("requests", peer.count(key), 0 if wanted else 1)))


def speaks_old(root):
    """Whether this OpenSSL can still be such a server, tried with a client
    that accepts it."""
    with bad_peer.Peer(tls(root, "good", old=True)) as peer:
        done = subprocess.run(
            ["openssl", "s_client", "-tls1", "-cipher", "ALL:@SECLEVEL=0",
             "-connect", "127.0.0.1:%d" % peer.port],
            stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return b"Cipher is (NONE)" not in done.stdout and not done.returncode


def trust(call, cases, root):
    certificates(root)
    for what, key in ((ASK, "ecs:DescribeServices"), (TOKEN, "ecs:RunTask"),
                      (ONCE, "ecs:PutAttributes")):
        if what != ONCE:
            distrusted(call, cases, root, "a good certificate",
                       tls(root, "good"), what, key, 0)
        distrusted(call, cases, root, "an expired certificate",
                   tls(root, "expired"), what, key, 1)
        distrusted(call, cases, root, "a certificate of another host",
                   tls(root, "other"), what, key, 1)
        if speaks_old(root):
            distrusted(call, cases, root, "TLS 1.0 only",
                       tls(root, "good", old=True), what, key, 1)
        else:
            cases.skip("TLS 1.0 only", "this OpenSSL cannot serve it")


# --- the clock, and being told to wait --------------------------------------


def skewed(call, cases, words, what, key, ahead, tells, wanted):
    """`wanted`: exit code, requests."""
    with bad_peer.Peer() as peer:
        peer.clock, peer.date = ahead, tells
        done = call(what, peer.url)
        cases.check("%s: %s" % (words, key), differs(
            done, ("exit", done.code, wanted[0]),
            ("requests", peer.count(key), wanted[1])))


def clocks(call, cases):
    for what, key in ((ASK, "ecs:DescribeServices"), (TOKEN, "ecs:RunTask")):
        skewed(call, cases, "a clock an hour ahead is followed", what, key,
               3600, True, (0, 2))
        skewed(call, cases, "a clock a day behind is followed", what, key,
               -86400, True, (0, 2))
        skewed(call, cases, "a clock that is not told is not guessed", what,
               key, 3600, False, (1, 1))


def never_content(call, cases):
    """Its Date fits its clock, and still it finds every request skewed: one
    correction, not two."""
    with bad_peer.Peer() as peer:
        peer.clock, peer.is_skewed = 3600, lambda request: True
        done = call(TOKEN, peer.url)
        cases.check("a clock is corrected once, not twice", differs(
            done, ("exit", done.code, 1),
            ("requests", peer.count("ecs:RunTask"), 2),
            ("tasks", peer.changes("ecs:RunTask"), 0)))


def told_to_wait(call, cases, words, after, wanted):
    """`wanted`: exit code, requests."""
    with bad_peer.Peer() as peer:
        peer.ends_throttle = lambda sock, *_: peer.ends_well(
            sock, 429, b'{"__type":"ThrottlingException"}',
            "Retry-After: %d\r\n" % after)
        peer.misbehave("ecs:RunTask", "throttle")
        done = call(TOKEN, peer.url)
        cases.check(words, differs(
            done, ("exit", done.code, wanted[0]),
            ("requests", peer.count("ecs:RunTask"), wanted[1]),
            ("code", done.error.get("code"),
             None if wanted[0] == 0 else "throttled"),
            ("says when", "not before 20" in done.error.get("text", ""),
             wanted[0] != 0),
            ("came early", wanted[0] == 0 and done.seconds < after, False)))


# --- the whole day ----------------------------------------------------------


def jobs(call, cases, root):
    yield unsent, call, cases, "refused", bad_peer.Closed, "io"
    yield unsent, call, cases, "black hole", bad_peer.Hole, "timeout"
    for how in LOST:
        if how in LARGE:
            yield large_read, call, cases, how
        else:
            yield lost_read, call, cases, how
            yield lost_for_good, call, cases, how
        for applies in (True, False):
            yield lost_set, call, cases, how, applies
            yield lost_verify, call, cases, how, applies
        yield lost_token, call, cases, how
        yield lost_notify, call, cases, how
        yield lost_once, call, cases, how
    yield lost_in_the_journal, call, cases
    for how in ("redirect", "keep"):
        yield redirected, call, cases, how, ASK, "ecs:DescribeServices"
        yield redirected, call, cases, how, TOKEN, "ecs:RunTask"
    yield names, call, cases, root
    yield trust, call, cases, root
    yield clocks, call, cases
    yield never_content, call, cases
    yield told_to_wait, call, cases, "a short wait is waited for", 2, (0, 2)
    yield (told_to_wait, call, cases,
           "a wait of more than two minutes is told", 121, (1, 1))


def main():
    engine, cases = from_arguments(__doc__), Cases()
    root = pathlib.Path(tempfile.mkdtemp(prefix="bad-day-"))
    try:
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            call = Caller(engine, root)
            begun = [pool.submit(*job) for job in jobs(call, cases, root)]
            for job in begun:
                job.result()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
