"""credential_world.py - everything that AWS credentials come from, on loopback.

One server plays the container's endpoint, the instance's metadata (version 2
alone), STS and ECS. What STS gives out is made by moto, to which its requests
are passed on. Whatever is signed is checked with botocore's own signer against
the secret that belongs to the key, and every key has a name that says where it
came from, so that a test can tell by whom a request was signed:

    AKIDENV                 that key, as it was given in a file or a variable
    TASK1, INSTANCE1        the first that the endpoint gave out
    role/a < AKIDENV        moto's, for a role that AKIDENV assumed
    role/pod < token T      the same for a web identity
"""

import datetime
import http.client
import http.server
import json
import re
import threading
import urllib.parse
import xml.etree.ElementTree

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lib.loopback import Loopback

ROLES = "/latest/meta-data/iam/security-credentials/"
IMDS_TOKEN = "imds-session-token-of-the-double"
TASK_TOKEN = "task-authorization-token"


def secret_of(key):
    return "secret-key-of-" + key


def moment(seconds):
    at = (datetime.datetime.now(datetime.timezone.utc) +
          datetime.timedelta(seconds=seconds))
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class World(Loopback):
    def __init__(self, moto):
        self.moto = urllib.parse.urlsplit(moto).netloc
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        with self.lock:
            self.keys = {}          # access key -> (secret, token, name)
            self.signed = []        # names, of what reached ECS
            self.problems = []
            self.asked = []         # "METHOD path", credentials only
            self.secrets = {IMDS_TOKEN, TASK_TOKEN}
            self.given = {"TASK": 0, "INSTANCE": 0}
            self.lives = {"TASK": [], "INSTANCE": []}   # seconds, or a status
            self.stale = set()      # names that ECS and STS call expired
            self.v1 = False         # an instance that would speak IMDSv1

    def know(self, key, token=None, name=None, secret=None):
        secret = secret or secret_of(key)
        self.keys[key] = (secret, token, name or key)
        self.secrets |= {secret} | ({token} if token else set())

    def next_key(self, kind):
        """The credentials that an endpoint gives out now, or a status."""
        with self.lock:
            self.given[kind] += 1
            lives, number = self.lives[kind], self.given[kind]
            life = lives[min(number, len(lives)) - 1] if lives else 3600
            if life in (403, 404, 500):
                return life
            key = "%s%d" % (kind, number)
            self.know(key, "session-token-of-" + key)
        return {"Code": "Success", "AccessKeyId": key,
                "SecretAccessKey": secret_of(key),
                "Token": "session-token-of-" + key,
                "Expiration": moment(life)}

    def signer_of(self, request):
        """The name of the key that signed, or None; notes what is wrong."""
        found = re.match(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/"
            r"aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$",
            request.headers.get("Authorization", ""))
        if not found:
            self.problems.append("%s was not signed" % request.path)
            return None
        key, _, region, service, names, given = found.groups()
        if key not in self.keys:
            self.problems.append("signed with an unknown key %s" % key)
            return None
        secret, token, name = self.keys[key]
        if request.headers.get("X-Amz-Security-Token") != token:
            self.problems.append("%s came with another session token" % name)
        headers = {n: request.headers[n] for n in names.split(";")
                   if n != "host"}
        again = AWSRequest(request.command, "http://%s%s" % (
            request.headers["Host"], request.path), headers, request.body)
        again.context["timestamp"] = request.headers["X-Amz-Date"]
        auth = SigV4Auth(Credentials(key, secret, token), service, region)
        text = auth.string_to_sign(again, auth.canonical_request(again))
        if auth.signature(text, again) != given:
            self.problems.append("botocore signs %s otherwise" % request.path)
        return name

    def handler(self):
        return type("Bound", (Handler,), {"world": self})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def note(self):
        with self.world.lock:
            self.world.asked.append("%s %s" % (self.command, self.path))

    def give(self, kind):
        given = self.world.next_key(kind)
        if isinstance(given, int):
            self.answer(given, "")
        else:
            self.answer(200, json.dumps(given))

    # --- container and instance ------------------------------------------

    def do_PUT(self):
        self.note()
        ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if self.world.v1 or self.path != "/latest/api/token":
            self.answer(403, "")
        elif not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            self.answer(400, "")
        else:
            self.answer(200, IMDS_TOKEN, "text/plain")

    def do_GET(self):
        self.note()
        if self.path == "/container":
            if self.headers.get("Authorization") != TASK_TOKEN:
                self.answer(401, "")
            else:
                self.give("TASK")
        elif not self.path.startswith(ROLES):
            self.answer(404, "")
        elif (not self.world.v1 and
              self.headers.get("X-aws-ec2-metadata-token") != IMDS_TOKEN):
            self.world.problems.append("IMDSv1 was spoken")
            self.answer(401, "")
        elif self.path == ROLES:
            self.answer(200, "instance-role", "text/plain")
        else:
            self.give("INSTANCE")

    # --- STS and ECS ------------------------------------------------------

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length")
                                        or 0))
        if self.path == "/sts/":
            self.note()
            self.sts(dict(urllib.parse.parse_qsl(self.body.decode())))
        else:
            self.ecs()

    def sts(self, form):
        action = form.get("Action")
        if action == "AssumeRoleWithWebIdentity":
            by = "token " + form.get("WebIdentityToken", "")
            self.world.secrets.add(form.get("WebIdentityToken"))
            if "Authorization" in self.headers:
                self.world.problems.append("a web identity was signed for")
        else:
            by = self.world.signer_of(self)
        if by in self.world.stale:
            self.answer(403, "<ErrorResponse><Error><Code>ExpiredToken</Code>"
                        "<Message>gone</Message></Error></ErrorResponse>",
                        "text/xml")
            return
        status, data = self.from_moto()
        if status == 200:
            role = form["RoleArn"].partition(":role/")[2]
            self.learn(data, "role/%s < %s" % (role, by))
        self.answer(status, data, "text/xml")

    def from_moto(self):
        upstream = http.client.HTTPConnection(self.world.moto, timeout=20)
        headers = {k: v for k, v in self.headers.items()
                   if k.lower() not in ("host", "connection")}
        headers["Host"] = "sts.amazonaws.com"
        upstream.request("POST", "/", self.body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        return answer.status, data

    def learn(self, data, name):
        texts = {element.tag.rpartition("}")[2]: element.text
                 for element in xml.etree.ElementTree.fromstring(data).iter()}
        with self.world.lock:
            self.world.know(texts["AccessKeyId"], texts["SessionToken"], name,
                            texts["SecretAccessKey"])

    def ecs(self):
        name = self.world.signer_of(self)
        with self.world.lock:
            self.world.signed.append(name)
        if name is None:
            self.answer(403, '{"__type":"MissingAuthenticationToken"}')
        elif name in self.world.stale:
            self.answer(400, '{"__type":"ExpiredTokenException",'
                        '"message":"The security token is expired"}')
        else:
            self.answer(200, '{"clusterArns":["arn:aws:ecs:x:1:cluster/a"]}')
