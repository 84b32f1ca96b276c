#!/usr/bin/env python3
"""Deliveries of SNS, whose certificate is fetched from where it says.

Messages are signed by Python's cryptography. The service reaches the hosts of
SNS by the two settings that every installation has, and by nothing that is
there for a test: a proxy, whose CONNECT leads every name to the one TLS server
here, and `http.ca_file`, with an authority that issued certificates for these
names. What is asked of the hosts is counted there.

    serve_sns.py --nightshift PATH
"""

import datetime
import json
import pathlib
import re
import socket
import ssl
import tempfile
import threading
import urllib.error
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from inbound_oracles import KEY, certificate, sign_message
from lib.cases import Cases
from lib.engine import from_arguments
from lib.serving import DEADLINE_S, Kept, Serving, until

UTC = datetime.timezone.utc
TOPIC = "arn:aws:sns:eu-west-1:111122223333:alarms"
HOST = "sns.eu-west-1.amazonaws.com"
PEM = certificate("sns.amazonaws.com", True)
SETTINGS = """
  http = { proxy = "http://127.0.0.1:%d", ca_file = "%s" },
  sources = { alarms = { auth = "sns", allow = { "%s" } } },
"""
SOURCE = """
return {
  about = "Takes a message of SNS as one occurrence.",
  occurrences = function(request)
    return { { key = request.body.MessageId, status = "firing",
               started_at = request.body.Timestamp,
               labels = { topic = request.body.TopicArn } } }
  end,
}
"""


# --- the hosts of SNS ------------------------------------------------------------

class Authority:
    def __init__(self, folder):
        self.folder, self.key = folder, self.new_key()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.issue(self.name, self.key, [
            x509.BasicConstraints(True, None)]).public_bytes(
                serialization.Encoding.PEM))

    @staticmethod
    def new_key():
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issue(self, name, key, extensions):
        now = datetime.datetime.now(UTC)
        builder = x509.CertificateBuilder(
            self.name, name, key.public_key(), x509.random_serial_number(),
            now - datetime.timedelta(hours=1), now + datetime.timedelta(days=1))
        for extension in extensions:
            builder = builder.add_extension(extension, True)
        return builder.sign(self.key, hashes.SHA256())

    def context(self, host):
        key = self.new_key()
        issued = self.issue(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), key,
            [x509.SubjectAlternativeName([x509.DNSName(host)])])
        file = self.folder / (host + ".pem")
        file.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()) + issued.public_bytes(
                serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


class Amazon:
    """CONNECT to any name is answered here, as that name or as `pretends`."""

    def __init__(self, authority):
        self.authority, self.contexts, self.lock = authority, {}, threading.Lock()
        self.asked, self.answers, self.pretends = [], {}, None
        self.hold = threading.Event()  # answers wait for it
        self.hold.set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,),
                             daemon=True).start()

    def context(self, host):
        with self.lock:
            if host not in self.contexts:
                self.contexts[host] = self.authority.context(host)
            return self.contexts[host]

    @staticmethod
    def head(sock):
        data = b""
        while b"\r\n\r\n" not in data:
            got = sock.recv(65536)
            if not got:
                return ""
            data += got
        return data.decode()

    def serve(self, sock):
        try:
            host = re.match(r"CONNECT ([^:]+):443 ", self.head(sock))[1]
            sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            sock = self.context(self.pretends or host).wrap_socket(
                sock, server_side=True)
            while True:
                path = self.head(sock).split(" ")[1]
                with self.lock:
                    self.asked.append("https://" + host + path)
                self.hold.wait(DEADLINE_S)
                status, body = self.answers.get(path, (404, "none"))
                sock.sendall(("HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s"
                              % (status, len(body), body)).encode())
        except (OSError, TypeError, IndexError):
            pass
        finally:
            sock.close()

    def count(self, part):
        with self.lock:
            return sum(part in url for url in self.asked)


# --- messages --------------------------------------------------------------------

def message(number, pem="/SimpleNotificationService-1.pem", kind="Notification",
            **more):
    now = datetime.datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    body = {"Type": kind, "MessageId": "id-%s" % number, "TopicArn": TOPIC,
            "Message": "checkout is down", "Timestamp": now,
            "SignatureVersion": "2",
            "SigningCertURL": "https://" + HOST + pem, **more}
    body["Signature"] = sign_message(body, KEY)
    return json.dumps(body).encode()


def subscription(number, token):
    return message(number, kind="SubscriptionConfirmation", Token=token,
                   SubscribeURL="https://%s/?Action=ConfirmSubscription&"
                   "TopicArn=%s&Token=%s" % (HOST, TOPIC, token))


class Served(Serving):
    def __init__(self, engine, amazon, authority):
        super().__init__(engine, [], "notify", SETTINGS % (
            amazon.port, authority.file, TOPIC))

    def __enter__(self):
        super().__enter__()
        (self.scripts / "sources").mkdir(exist_ok=True)
        (self.scripts / "sources" / "alarms.lua").write_text(SOURCE)
        return self

    def send(self, body):
        request = urllib.request.Request(
            "http://127.0.0.1:%d/hooks/alarms" % self.port, body,
            {"Content-Type": "text/plain; charset=UTF-8"})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode(), refused.headers
        except OSError as broken:
            return 0, str(broken), {}

    def send_all(self, bodies):
        answers = [None] * len(bodies)

        def one(at):
            answers[at] = self.send(bodies[at])
        threads = [threading.Thread(target=one, args=(at,))
                   for at in range(len(bodies))]
        for thread in threads:
            thread.start()
        return threads, answers

    def count(self, words):
        return sum(words in line for line in list(self.lines))


def is_503(answer, code):
    return (answer[0] != 503 or code not in answer[1] or
            not answer[2].get("Retry-After")) and answer[:2]


def one_fetch(cases, serve, amazon):
    """(SN1) (N1)"""
    pem = "/SimpleNotificationService-1.pem"
    amazon.answers[pem] = 200, PEM
    amazon.hold.clear()
    threads, answers = serve.send_all([message(n) for n in range(20)])
    asked = until(lambda: amazon.count(pem))
    waiting = [answer for answer in answers if answer]
    amazon.hold.set()
    for thread in threads:
        thread.join()
    cases.check("twenty deliveries wait for one certificate", [
        not asked and "it was not asked for", waiting,
        [answer[:2] for answer in answers if answer[0] != 202],
        amazon.count(pem) != 1 and amazon.asked])
    cases.check("none of them is lost", list(
        serve.settled(20).ledger_problems(20, unmatched=20)))
    cases.check("the next one asks nobody", [
        serve.send(message(20))[0] != 202 and "refused",
        amazon.count(pem) != 1 and amazon.asked])
    config = serve.folder / "nightshift.lua"
    config.write_text(config.read_text().replace(
        'auth = "sns"', 'auth = "sns", window = "50m"'))
    status, _ = serve.ask("POST", "/-/reload",
                          token=Serving.roles["operator"])
    cases.check("nor does one after a reload", [
        status != 200 and status, not until(lambda: serve.count("result=changed")) and
        "nothing was reloaded", serve.send(message(21))[0] != 202 and "refused",
        amazon.count(pem) != 1 and amazon.asked])


def refused(cases, serve, amazon):
    forged = json.loads(message(30))
    forged["Message"] = "somebody else's"
    own = json.loads(message(31))
    own["SigningCertURL"] = "https://sns.s3-eu-west-1.amazonaws.com/a.pem"
    own["Signature"] = sign_message(own, KEY)
    other = json.loads(message(32))
    other["TopicArn"] = TOPIC + "x"
    other["Signature"] = sign_message(other, KEY)
    before = len(amazon.asked)
    answers = [serve.send(json.dumps(body).encode())
               for body in (forged, own, other)]
    metrics = serve.metrics().values("nightshift_auth_refused_total")
    cases.check("a forged one, a bucket's address and another topic are 401", [
        [answer[:2] for answer in answers if answer[0] != 401],
        len(amazon.asked) != before and amazon.asked,
        {labels.partition('why="')[2][:-1] for labels in metrics} <
        {"signature", "address", "topic"} and metrics])


def not_to_be_had(cases, serve, amazon):
    """(SN2)"""
    cases.check("a certificate that is not there is 503, come again", [
        is_503(serve.send(message(40, "/gone.pem")), "certificate"),
        is_503(serve.send(message(41, "/gone.pem")), "certificate"),
        amazon.count("/gone.pem") != 1 and amazon.asked])
    amazon.answers["/other.pem"] = 200, certificate("example.com", True)
    cases.check("and so is one that does not name SNS", [
        is_503(serve.send(message(42, "/other.pem")), "certificate"),
        is_503(serve.send(message(43, "/other.pem")), "certificate"),
        amazon.count("/other.pem") != 1 and amazon.asked])
    amazon.answers["/long.pem"] = 200, "x" * 100_000
    cases.check("and one that is too long", [
        is_503(serve.send(message(44, "/long.pem")), "certificate")])
    amazon.answers["/moved.pem"] = 302, ""
    cases.check("and one that is elsewhere", [
        is_503(serve.send(message(45, "/moved.pem")), "certificate")])
    amazon.answers["/sound.pem"] = 200, PEM
    amazon.pretends = "sns.us-east-1.amazonaws.com"
    elsewhere = json.loads(message(46, "/sound.pem"))
    elsewhere["SigningCertURL"] = elsewhere["SigningCertURL"].replace(
        "eu-west-1", "eu-west-3")
    cases.check("and one of a host with the certificate of another", [
        is_503(serve.send(json.dumps(elsewhere).encode()), "certificate"),
        amazon.count("/sound.pem") and amazon.asked])
    amazon.pretends = None


def flood(cases, serve, amazon):
    """(SN3) A stranger who knows the topic."""
    before = len(amazon.asked)
    threads, answers = serve.send_all([
        message(n, "/made-up-%d.pem" % n) for n in range(60)])
    for thread in threads:
        thread.join()
    cases.check("addresses that somebody invents are fetched up to a bound", [
        [answer[:2] for answer in answers if answer[0] != 503],
        len(amazon.asked) - before > 30 and len(amazon.asked) - before])
    cases.check("and the one that is known goes on", [
        serve.send(message("after the flood"))[0] != 202 and "refused"])


def subscriptions(cases, serve, amazon):
    seen = serve.metrics().seen()
    first = serve.send(subscription(50, "token-one"))
    cases.check("without `confirm` a subscription waits, and that is told", [
        first[0] != 200 and first[:2], amazon.count("token-one") and "asked",
        not until(lambda: serve.count("waits to be confirmed")) and
        serve.said()])
    text = (serve.folder / "nightshift.lua").read_text()
    (serve.folder / "nightshift.lua").write_text(text.replace(
        'auth = "sns"', 'auth = "sns", confirm = true'))
    serve.ask("POST", "/-/reload", token=Serving.roles["operator"])
    answered = "/?Action=ConfirmSubscription&TopicArn=%s&Token=" % TOPIC
    broken = serve.send(subscription(51, "token-two"))
    cases.check("one that SNS refuses is 503, to be sent again", [
        is_503(broken, "unconfirmed"),
        amazon.count("token-two") != 1 and amazon.asked])
    amazon.answers[answered + "token-three"] = 200, "<ConfirmSubscription/>"
    amazon.hold.clear()
    threads, answers = serve.send_all([subscription(52, "token-three")])
    until(lambda: amazon.count("token-three"))
    steps = [record["step"] for record in records(
        Kept.of_running(serve.state))]
    amazon.hold.set()
    threads[0].join()
    good = answers[0]
    cases.check("with `confirm` it is confirmed by one request", [
        steps != ["confirming", "failed", "confirming"] and steps,
        good[0] != 200 and good[:2],
        amazon.count("token-three") != 1 and amazon.asked,
        not until(lambda: serve.count("is confirmed")) and serve.said()])
    other = serve.send(message(
        53, kind="SubscriptionConfirmation", Token="t",
        SubscribeURL="https://sns.s3-eu-west-1.amazonaws.com/"
        "?Action=ConfirmSubscription&Token=t"))
    cases.check("never at an address that is not SNS's", [
        other[0] != 200 and other[:2],
        amazon.count("s3-eu-west-1") and amazon.asked])
    ended = serve.send(message(54, kind="UnsubscribeConfirmation", Token="t",
                               SubscribeURL="https://%s/" % HOST))
    cases.check("and that one has ended is told", [
        ended[0] != 200 and ended[:2],
        not until(lambda: serve.count("has ended")) and serve.said()])
    cases.check("none of these is an occurrence", [
        serve.metrics().seen() != seen and serve.metrics().seen()])


def ends(cases, serve, amazon):
    """(SN5)"""
    amazon.answers["/late.pem"] = 200, PEM
    amazon.hold.clear()
    threads, answers = serve.send_all([message(60, "/late.pem")])
    asked = until(lambda: amazon.count("/late.pem"))
    code = serve.stop()
    amazon.hold.set()
    for thread in threads:
        thread.join()
    cases.check("who still waits at the end is told to come again", [
        not asked and "it was not asked for", code,
        answers[0][0] != 503 and answers[0][:2]])


def records(kept):
    return [json.loads(value) for key, value in sorted(kept.rows.items())
            if '"sns_subscription"' in str(value)]


def audited(cases, engine, serve):
    found = records(Kept(serve.state))
    walk = engine.start("audit", "verify", "--state", serve.state)
    cases.check("what was confirmed is in the audit chain (SN4) (N13)", [
        walk.code and walk.words(),
        [record["step"] for record in found] != [
            "confirming", "failed", "confirming", "confirmed"] and found,
        {record["target"] for record in found} != {TOPIC} and found])


def main():
    engine, cases = from_arguments(__doc__), Cases()
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(pathlib.Path(folder))
        amazon = Amazon(authority)
        with Served(engine, amazon, authority) as serve:
            serve.start()
            one_fetch(cases, serve, amazon)
            refused(cases, serve, amazon)
            not_to_be_had(cases, serve, amazon)
            subscriptions(cases, serve, amazon)
            flood(cases, serve, amazon)
            serve.stop()
            serve.start()
            ends(cases, serve, amazon)
            audited(cases, engine, serve)
        amazon.listener.close()
    return cases.end()


if __name__ == "__main__":
    main()
