"""inbound_oracles.py - deliveries that others signed, judged by ours.

Each case is a delivery from a seed, signed by code that is not ours: the
package standardwebhooks (whose verify() is asked for its own opinion, too),
Python's hmac, and RSA of the package cryptography with certificates made here.
As it is it must be trusted; altered in any way - a bit of the body, a byte of
a header, another secret, a moment outside the window, a field of an SNS
message - it must be refused. `nightshift sign` is asked for its verdict, in
JSON lines.

Usage, from the venv that has them:
    python tests/integration/inbound_oracles.py --nightshift PATH
        [--cases N] [--seed N]
"""

import argparse
import base64
import collections
import datetime
import hashlib
import hmac
import json
import random
import subprocess
import sys
from unittest import mock

import standardwebhooks.webhooks
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from lib.cases import Cases

UTC = datetime.timezone.utc
TOKEN = ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
         "-._~+/")
WORDS = ["größe", "日本語", "🚨", "\n", "\r\n", "\"", "\\", "\t", " ", "a", "{}",
         "Message\n", "\nType\n", "alarm", "0", "\u2028", "/", "<b>"]


class Delivery:
    """What `nightshift sign` is given; a copy may be altered."""

    def __init__(self, settings, secrets, headers, body, time_ms, **more):
        self.settings, self.secrets = settings, secrets
        self.headers, self.body, self.time_ms = headers, body, time_ms
        self.more = more

    def copy(self):
        return Delivery(dict(self.settings), dict(self.secrets),
                        dict(self.headers), self.body, self.time_ms,
                        **dict(self.more))

    def line(self):
        moment = datetime.datetime.fromtimestamp(
            self.time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return json.dumps({"verify": dict(
            settings=self.settings, secrets=self.secrets,
            headers=self.headers,
            body_base64=base64.b64encode(self.body).decode(),
            time="%s.%03dZ" % (moment, self.time_ms % 1000), **self.more)})


# --- what deliveries are made of ---------------------------------------------

def some_text(rng, most=12):
    return "".join(rng.choice(WORDS) for _ in range(rng.randrange(most)))


def some_bytes(rng):
    size = rng.choice([0, 1, 55, 56, 63, 64, 65, 300, 5000])
    return rng.randbytes(size)


def some_secret(rng, least=16):
    return "".join(rng.choice(TOKEN) for _ in range(rng.randrange(least, 90)))


def some_time(rng):
    return rng.randrange(1_700_000_000, 1_900_000_000) * 1000


def reference(secrets, key, secret):
    secrets[key.upper()] = secret
    return {"secret": key.upper()}


def flipped(text, rng):
    """One byte altered, to another that a header may hold."""
    at = rng.randrange(len(text))
    other = rng.choice([c for c in TOKEN + "=," if c != text[at]])
    return text[:at] + other + text[at + 1:]


def with_secrets(rng, auth, secret, **settings):
    """Settings that hold `secret` as the new or as the old one."""
    secrets = {}
    other = some_secret(rng) if auth != "standard" else standard_secret(rng)
    old = rng.random() < 0.3
    settings = dict(auth=auth, **settings)
    settings["secret"] = reference(secrets, "new", other if old else secret)
    if old or rng.random() < 0.3:
        settings["old_secret"] = reference(secrets, "old",
                                           secret if old else other)
    return settings, secrets, "old_secret" if old else "secret"


# --- schemes ------------------------------------------------------------------
# Each gives a delivery, what the verdict must carry, and ways to spoil it:
# pairs of a name and a function that alters a copy.

def header_spoils(*names):
    def spoil(name):
        return lambda d, rng: d.headers.update(
            {name: flipped(d.headers[name], rng)})

    def drop(name):
        return lambda d, rng: d.headers.pop(name)
    return ([("a byte of " + name, spoil(name)) for name in names] +
            [("without " + name, drop(name)) for name in names])


def spoil_body(d, rng):
    if not d.body:
        d.body = b"\0"
        return
    at = rng.randrange(len(d.body))
    d.body = (d.body[:at] + bytes([d.body[at] ^ 1 << rng.randrange(8)]) +
              d.body[at + 1:])


def spoil_length(d, rng):
    d.body = d.body[:-1] if d.body and rng.random() < 0.5 else d.body + b" "


def spoil_secret(d, rng):
    for name, value in d.secrets.items():
        d.secrets[name] = some_secret(rng)
        if d.settings["auth"] == "standard":
            d.secrets[name] = standard_secret(rng)
        assert d.secrets[name] != value


BODY = [("a bit of the body", spoil_body), ("the body's length", spoil_length),
        ("other secrets", spoil_secret)]


def time_spoils(window_ms):
    def late(d, rng):
        d.time_ms += window_ms + rng.randrange(1000, 10 ** 7)

    def early(d, rng):
        d.time_ms -= window_ms + rng.randrange(1000, 10 ** 7)
    return [("too late", late), ("too early", early)]


def mac(secret, text, kind="hexdigest"):
    return getattr(hmac.new(secret.encode(), text, hashlib.sha256), kind)()


def github(rng):
    secret, body = some_secret(rng), some_bytes(rng)
    settings, secrets, which = with_secrets(rng, "github", secret)
    delivery = "%032x" % rng.getrandbits(128)
    headers = {"X-Hub-Signature-256": "sha256=" + mac(secret, body),
               "X-GitHub-Delivery": delivery}
    return (Delivery(settings, secrets, headers, body, some_time(rng)),
            {"secret": which, "delivery": delivery},
            header_spoils("X-Hub-Signature-256") + BODY)


def pagerduty(rng):
    secret, body = some_secret(rng), some_bytes(rng)
    settings, secrets, which = with_secrets(rng, "pagerduty", secret)
    macs = ["v1=" + mac(some_secret(rng), body)
            for _ in range(rng.randrange(3))]
    right = "v1=" + mac(secret, body)
    macs.insert(rng.randrange(len(macs) + 1), right)
    headers = {"X-PagerDuty-Signature": ",".join(macs)}

    def spoil_right(d, rng):
        d.headers["X-PagerDuty-Signature"] = ",".join(macs).replace(
            right, flipped(right, rng))
    return (Delivery(settings, secrets, headers, body, some_time(rng)),
            {"secret": which},
            BODY + [("a byte of the right MAC", spoil_right)])


def slack(rng):
    secret, body, time_ms = some_secret(rng), some_bytes(rng), some_time(rng)
    settings, secrets, which = with_secrets(rng, "slack", secret)
    at = str(time_ms // 1000)
    headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature":
               "v0=" + mac(secret, b"v0:" + at.encode() + b":" + body)}
    return (Delivery(settings, secrets, headers, body,
                     time_ms + rng.randrange(-300_000, 300_001)),
            {"secret": which},
            header_spoils(*headers) + BODY + time_spoils(600_000))


def standard_secret(rng):
    return "whsec_" + base64.b64encode(
        rng.randbytes(rng.randrange(24, 65))).decode()


def standard(rng):
    secret, body, time_ms = standard_secret(rng), some_text(rng), some_time(rng)
    settings, secrets, which = with_secrets(rng, "standard", secret)
    message = "msg_" + some_secret(rng).replace(".", "")
    moment = datetime.datetime.fromtimestamp(time_ms / 1000, UTC)
    macs = [standardwebhooks.Webhook(key).sign(message, moment, body)
            for key in [standard_secret(rng)] * rng.randrange(3) + [secret]]
    rng.shuffle(macs)
    headers = {"webhook-id": message, "webhook-timestamp": str(
        time_ms // 1000), "webhook-signature": " ".join(macs)}
    right = standardwebhooks.Webhook(secret).sign(message, moment, body)

    def spoil_right(d, rng):
        d.headers["webhook-signature"] = " ".join(macs).replace(
            right, flipped(right, rng))
    return (Delivery(settings, secrets, headers, body.encode(),
                     time_ms + rng.randrange(-300_000, 300_001)),
            {"secret": which, "delivery": message},
            header_spoils("webhook-id", "webhook-timestamp") + BODY +
            [("a byte of the right MAC", spoil_right)] + time_spoils(600_000))


def bearer(rng):
    secret = some_secret(rng)
    settings, secrets, which = with_secrets(rng, "bearer", secret)
    headers = {"Authorization": rng.choice(["Bearer ", "bearer "]) + secret}

    def spoil(d, rng):
        d.headers["Authorization"] = "Bearer " + flipped(secret, rng)

    def shorten(d, rng):
        d.headers["Authorization"] = "Bearer " + secret[:-1]
    return (Delivery(settings, secrets, headers, some_bytes(rng),
                     some_time(rng)), {"secret": which},
            [("a byte of the token", spoil), ("a shorter token", shorten),
             ("other secrets", spoil_secret)])


def basic(rng):
    secret = some_text(rng) + some_secret(rng)
    user = rng.choice(["Aladdin", "größe", "a b", "me@example.com"])
    settings, secrets, which = with_secrets(rng, "basic", secret, user=user)
    pair = base64.b64encode(("%s:%s" % (user, secret)).encode()).decode()

    def spoil(d, rng):
        d.headers["Authorization"] = "Basic " + flipped(pair, rng)

    def spoil_user(d, rng):
        d.settings["user"] += "x"
    return (Delivery(settings, secrets, {"Authorization": "Basic " + pair},
                     some_bytes(rng), some_time(rng)),
            {"secret": which, "who": user},
            [("a byte of the pair", spoil), ("another user", spoil_user),
             ("other secrets", spoil_secret)])


def mtls(rng):
    name = rng.choice(["am.example.com", "CN=alerts,O=Größe"])
    more = ({"subject": name, "names": ["x.example.com"]}
            if name.startswith("CN=") else
            {"subject": "CN=x", "names": ["y.example.com", name]})

    def spoil(d, rng):
        d.more = json.loads(json.dumps(d.more).replace(
            json.dumps(name)[1:-1], name.upper() + "x"))

    def nobody(d, rng):
        d.more = {}
    return (Delivery({"auth": "mtls", "allow": ["other", name]}, {}, {},
                     some_bytes(rng), some_time(rng), **more), {"who": name},
            [("another name", spoil), ("no certificate", nobody)])


# --- Amazon SNS ---------------------------------------------------------------

SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp",
                     "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL",
                                 "Timestamp", "Token", "TopicArn", "Type"],
}
SIGNED["UnsubscribeConfirmation"] = SIGNED["SubscriptionConfirmation"]
REGIONS = {"eu-west-1": ("sns.amazonaws.com", "amazonaws.com"),
           "me-south-1": ("sns-signing.me-south-1.amazonaws.com",
                          "amazonaws.com"),
           "us-gov-east-1": ("sns-us-gov-west-1.amazonaws.com",
                             "amazonaws.com"),
           "cn-north-1": ("sns-cn-north-1.amazonaws.com.cn",
                          "amazonaws.com.cn")}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(name, listed, key=KEY):
    subject = x509.Name([x509.NameAttribute(
        NameOID.COMMON_NAME, "elsewhere" if listed else name)])
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), 7,
        datetime.datetime(2020, 1, 1), datetime.datetime(2035, 1, 1))
    if listed:
        builder = builder.add_extension(x509.SubjectAlternativeName(
            [x509.DNSName(name)]), False)
    return builder.sign(key, hashes.SHA256()).public_bytes(
        serialization.Encoding.PEM).decode()


CERTIFICATES = {(region, listed): certificate(name, listed)
                for region, (name, _) in REGIONS.items()
                for listed in (False, True)}


def sign_message(message, key=KEY):
    text = "".join("%s\n%s\n" % (field, message[field])
                   for field in SIGNED[message["Type"]] if field in message)
    kind = hashes.SHA1() if message["SignatureVersion"] == "1" else \
        hashes.SHA256()
    return base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(),
                                     kind)).decode()


def one_line(rng):
    return some_text(rng).replace("\n", "") + "x"


def some_message(rng, region, time_ms):
    moment = datetime.datetime.fromtimestamp(time_ms // 1000, UTC)
    message = {
        "Type": rng.choice(list(SIGNED)),
        "MessageId": "%032x" % rng.getrandbits(128),
        "TopicArn": "arn:aws:sns:%s:111122223333:alarms" % region,
        "Message": some_text(rng, 40),
        "Timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (
            time_ms % 1000),
        "SignatureVersion": rng.choice("12"),
        "SigningCertURL": "https://sns.%s.%s/SimpleNotificationService-%x.pem"
                          % (region, REGIONS[region][1], rng.getrandbits(64)),
    }
    if message["Type"] == "Notification":
        if rng.random() < 0.5:
            message["Subject"] = one_line(rng)
        message["MessageAttributes"] = {"a": {"Type": "String", "Value": "b"}}
    else:
        message.update(Token=one_line(rng), SubscribeURL="https://sns.%s.%s/?x"
                       % (region, REGIONS[region][1]))
    message["Signature"] = sign_message(message)
    return message


def write_message(message, rng):
    return json.dumps(message, ensure_ascii=rng.random() < 0.5,
                      indent=rng.choice([None, 2])).encode()


def sns(rng):
    region = rng.choice(list(REGIONS))
    time_ms = some_time(rng) + rng.randrange(1000)
    message = some_message(rng, region, time_ms)
    allow = [message["TopicArn"], "arn:aws:sns:eu-west-1:1:other"]

    def spoil(field, how):
        def alter(d, rng):
            other = dict(message)
            how(other, field, rng)
            d.body = write_message(other, rng)
        return alter

    def set_other(other, field, rng):
        other[field] = flipped(other[field] or "x", rng)

    def drop(other, field, rng):
        other.pop(field)

    def add_subject(other, field, rng):
        other["Subject"] = other.get("Subject", "") + "x"

    def split(other, field, rng):  # the same signed text, cut elsewhere
        head, _, tail = (other["Message"] + "\nMessageId\n" +
                         other["MessageId"]).partition("\n")
        other["Message"] = head
        other["MessageId"] = tail.removeprefix("MessageId\n") + "\n"

    def stranger(other, field, rng):
        other["Signature"] = sign_message(
            other, rsa.generate_private_key(public_exponent=65537,
                                            key_size=2048))
    fields = [f for f in SIGNED[message["Type"]] if f in message]
    spoils = [("another " + f, spoil(f, set_other)) for f in fields +
              ["Signature", "SignatureVersion"]]
    spoils += [("without " + f, spoil(f, drop)) for f in fields]
    spoils += [("cut elsewhere", spoil(None, split)),
               ("another key", spoil(None, stranger))]
    if message["Type"] == "Notification":
        spoils.append(("another Subject", spoil(None, add_subject)))
    return (Delivery({"auth": "sns", "allow": allow}, {}, {},
                     write_message(message, rng),
                     time_ms + rng.randrange(-3_600_000, 3_600_001),
                     certificates={message["SigningCertURL"]: CERTIFICATES[
                         region, rng.random() < 0.5]}),
            {"delivery": message["MessageId"], "who": message["TopicArn"]},
            spoils + time_spoils(7_200_000))


SCHEMES = [github, pagerduty, slack, standard, bearer, basic, mtls, sns]


# --- judging -------------------------------------------------------------------

def library_trusts(d):
    """What the package standardwebhooks itself says of a delivery."""
    now = datetime.datetime.fromtimestamp(d.time_ms / 1000, UTC)

    class Frozen(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return now
    with mock.patch.object(standardwebhooks.webhooks, "datetime", Frozen):
        for key in ("secret", "old_secret"):
            if key not in d.settings:
                continue
            hook = standardwebhooks.Webhook(
                d.secrets[d.settings[key]["secret"]])
            try:
                hook.verify(d.body, d.headers, json_parse=False)
                return True
            except (standardwebhooks.WebhookVerificationError, ValueError):
                pass
    return False


def ask(nightshift, deliveries):
    lines = "".join(d.line() + "\n" for d in deliveries)
    run = subprocess.run([nightshift, "sign"], input=lines.encode(),
                         capture_output=True, timeout=240)
    return [json.loads(line) for line in run.stdout.splitlines()]


def problems_of(name, delivery, expected, answer):
    if expected is None:
        return [] if answer.get("verdict") == "refused" and set(answer) <= {
            "verdict", "why", "warning"} and answer["why"] else [
            "answered %s" % answer]
    wanted = dict(expected, verdict="trusted")
    answer = {key: value for key, value in answer.items() if key != "warning"}
    return [] if answer == wanted else ["answered %s, not %s" % (answer,
                                                                wanted)]


def make(rng, count):
    """(name, delivery, what a trusted one carries, or None)"""
    for number in range(count):
        scheme = SCHEMES[number % len(SCHEMES)]
        delivery, expected, spoils = scheme(rng)
        yield scheme.__name__, "as it is", delivery, expected
        for what, spoil in spoils:
            other = delivery.copy()
            spoil(other, rng)
            yield scheme.__name__, what, other, None


def secrecy(cases, nightshift):
    secret = "canary-of-inbound-0123456789"
    lines = [Delivery({"auth": auth, "secret": {"secret": "S"}}, {"S": secret},
                      {"Authorization": "Bearer " + secret + "x"}, b"",
                      some_time(random.Random(1)))
             for auth in ("bearer", "github", "standard", "jwt", "basic")]
    out = json.dumps(ask(nightshift, lines))
    cases.check("no secret in any answer (N11)",
                ["found in: " + out] if secret[:12] in out else [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nightshift", required=True)
    parser.add_argument("--cases", type=int, default=800)
    parser.add_argument("--seed", type=int, default=20260301)
    options = parser.parse_args()
    cases, tally = Cases(), collections.Counter()
    made = list(make(random.Random(options.seed), options.cases))
    answers = ask(options.nightshift, [delivery for _, _, delivery, _ in made])
    cases.check("one answer for each delivery", [] if len(answers) == len(
        made) else ["%d answers to %d" % (len(answers), len(made))])
    for (scheme, what, delivery, expected), answer in zip(made, answers):
        cases.check("%s, %s" % (scheme, what),
                    problems_of(what, delivery, expected, answer))
        tally["trusted" if expected else "refused"] += 1
        # Of a MAC's last character two bits say nothing; the package takes
        # every spelling of it, and we one.
        if scheme == "standard" and "MAC" not in what:
            cases.check("standard, %s, as standardwebhooks says" % what, [
                "it says otherwise"] if library_trusts(delivery) != (
                answer.get("verdict") == "trusted") else [])
    secrecy(cases, options.nightshift)
    print("%d deliveries as their signers made them, %d altered" % (
        tally["trusted"], tally["refused"]))
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
