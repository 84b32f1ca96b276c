#!/usr/bin/env python3
"""Whose credentials sign, compared with botocore, and how they are kept fresh.

A loopback server (lib/credential_world.py) is the container's endpoint, the
instance's metadata, STS (answers by moto) and an ECS that checks each
signature with botocore's signer. For a table of environments and shared files
botocore is asked which credentials it finds, and nightshift must sign with the
same. What we refuse on purpose (programs, log-ins by a person) is a table of its
own. Then single stories: credentials that end in the middle of a run, that AWS
calls expired, whose refresh fails, roles in other accounts. No secret may be in
what was printed, logged or journaled. (N11)

    aws_credentials.py --nightshift PATH
"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lib.cases import Cases                                   # noqa: E402
from lib.engine import BARE, EVENTS, FIXTURES, ROOT, from_arguments  # noqa: E402
from live_moto import Child, VENV, free_port, into_venv       # noqa: E402

ARN = "arn:aws:iam::111111111111:role/"

ORACLE = """
import botocore.session
session = botocore.session.Session()
found = session.get_credentials()
print(found.get_frozen_credentials().access_key if found else "")
"""


def keys(name, more=""):
    return ("aws_access_key_id = %s\naws_secret_access_key = secret-key-of-%s\n"
            % (name, name) + more)


def role(name, *lines):
    return "role_arn = %s%s\n%s\n" % (ARN, name, "\n".join(lines))


ENV = {"AWS_ACCESS_KEY_ID": "AKIDENV",
       "AWS_SECRET_ACCESS_KEY": "secret-key-of-AKIDENV"}
TASK = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "task-authorization-token"}
WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "FOLDER/token",
       "AWS_ROLE_ARN": ARN + "pod"}
SHARED = "[default]\n" + keys("SHARED")
IMDS = {"AWS_EC2_METADATA_DISABLED": "false"}

# name: environment, config file, credentials file, who must sign. None: nobody.
TABLE = {
    "environment": (ENV, "", "", "AKIDENV"),
    "environment before every other": (
        {**ENV, **TASK, **WEB, **IMDS}, "[default]\n" + role(
            "a", "source_profile = default"), SHARED, "AKIDENV"),
    "environment before AWS_PROFILE": (
        {**ENV, "AWS_PROFILE": "ops"}, "[profile ops]\n" + keys("OPS"), "",
        "AKIDENV"),
    "half of an environment": (
        {"AWS_ACCESS_KEY_ID": "AKIDENV"}, "", SHARED, None),
    "an empty environment": (
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "", SHARED,
        "SHARED"),
    "role of the profile before web identity": (
        WEB, "[default]\n" + role("a", "source_profile = base"),
        "[base]\n" + keys("BASE"), "role/a < BASE"),
    "web identity": (WEB, "", "", "role/pod < token TOKEN-ONE"),
    "web identity before the keys of a profile": (
        {**WEB, **TASK, **IMDS}, "", SHARED, "role/pod < token TOKEN-ONE"),
    "web identity of a profile": (
        {}, "[default]\n" + role("a", "web_identity_token_file = FOLDER/token"),
        SHARED, "role/a < token TOKEN-ONE"),
    "web identity half in the environment": (
        {"AWS_ROLE_ARN": ARN + "pod"},
        "[default]\nweb_identity_token_file = FOLDER/token\n", "",
        "role/pod < token TOKEN-ONE"),
    "web identity without a role": (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "FOLDER/token"}, "", SHARED, None),
    "web identity without its file": (
        {**WEB, "AWS_WEB_IDENTITY_TOKEN_FILE": "FOLDER/none"}, "", SHARED,
        None),
    "keys of the credentials file": ({}, "", SHARED, "SHARED"),
    "keys of the config file": (
        {}, "[default]\n" + keys("CONFIG"), "", "CONFIG"),
    "credentials file before config file": (
        {}, "[default]\n" + keys("CONFIG"), SHARED, "SHARED"),
    "another profile's credentials file": (
        {}, "[default]\n" + keys("CONFIG"), "[ops]\n" + keys("OPS"), "CONFIG"),
    "AWS_PROFILE": (
        {"AWS_PROFILE": "ops"}, "[profile ops]\n" + keys("OPS"), SHARED,
        "OPS"),
    "AWS_PROFILE that is nowhere": (
        {"AWS_PROFILE": "nobody", **TASK}, "[nobody]\n" + keys("OPS"), SHARED,
        None),
    "AWS_PROFILE in quotes": (
        {"AWS_PROFILE": "two words"},
        '[profile "two words"]\n' + keys("OPS"), "", "OPS"),
    "AWS_PROFILE with a session token": (
        {"AWS_PROFILE": "ops"}, "",
        "[ops]\n" + keys("OPST", "aws_session_token = token-of-OPST\n"),
        "OPST"),
    "half of a profile": (
        TASK, "", "[default]\naws_access_key_id = SHARED\n", None),
    "a profile without keys": (
        TASK, "[default]\nregion = eu-west-1\n", "", "TASK1"),
    "keys before the container": (TASK, "", SHARED, "SHARED"),
    "container": ({**TASK, **IMDS}, "", "", "TASK1"),
    "container whose token is in a file": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/container",
         "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "FOLDER/task"}, "", "",
        "TASK1"),
    "container at somebody's address": (
        {**TASK, **IMDS,
         "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/c"}, "", "",
        None),
    "instance": (IMDS, "", "", "INSTANCE1"),
    "instance that is turned off": ({}, "", "", None),
    "role over role": (
        {}, "[default]\n" + role("a", "source_profile = b") +
        "[profile b]\n" + role("b", "source_profile = c") +
        "[profile c]\n" + role("c", "source_profile = base"),
        "[base]\n" + keys("BASE"), "role/a < role/b < role/c < BASE"),
    "role over its own keys": (
        {}, "[default]\n" + role("a", "source_profile = default"), SHARED,
        "role/a < SHARED"),
    "role of the credentials file": (
        {}, "[default]\nregion = x\n", "[default]\n" + role(
            "a", "source_profile = base") + "[base]\n" + keys("BASE"),
        "role/a < BASE"),
    "role over keys that stand beside a role": (
        {}, "[default]\n" + role("a", "source_profile = b") +
        "[profile b]\n" + role("b", "source_profile = base"),
        "[b]\n" + keys("B") + "[base]\n" + keys("BASE"), "role/a < B"),
    "role over a web identity": (
        {}, "[default]\n" + role("a", "source_profile = web") +
        "[profile web]\n" + role("w", "web_identity_token_file = FOLDER/token"),
        "", "role/a < role/w < token TOKEN-ONE"),
    "role over a profile, not over the environment's web identity": (
        WEB, "[default]\n" + role("a", "source_profile = b"),
        "[b]\n" + keys("B"), "role/a < B"),
    "role over the container": (
        TASK, "[default]\n" + role("a", "credential_source = EcsContainer"),
        "", "role/a < TASK1"),
    "role over the instance": (
        {**TASK, **IMDS}, "[default]\n" + role(
            "a", "credential_source = Ec2InstanceMetadata"), "",
        "role/a < INSTANCE1"),
    "role over an environment that is empty": (
        TASK, "[default]\n" + role("a", "credential_source = Environment"), "",
        None),
    "role over nothing": ({}, "[default]\n" + role("a"), SHARED, None),
    "role over two": (
        {}, "[default]\n" + role("a", "source_profile = default",
                                 "credential_source = Environment"), SHARED,
        None),
    "role over a stranger": (
        {}, "[default]\n" + role("a", "source_profile = nobody"), SHARED,
        None),
    "role over itself without keys": (
        {}, "[default]\n" + role("a", "source_profile = default"), "", None),
    "roles in a ring": (
        {}, "[default]\n" + role("a", "source_profile = b") +
        "[profile b]\n" + role("b", "source_profile = default"), "", None),
    "role over a profile without keys": (
        TASK, "[default]\n" + role("a", "source_profile = b") +
        "[profile b]\nregion = x\n", "", None),
    "indented, commented, capital": (
        {}, "# first\n[default]\n  REGION : x\n\n  ; second\n  s3 =\n"
        "    aws_access_key_id = INNER\n  Aws_Access_Key_Id = CONFIG\n"
        "  aws_secret_access_key: secret-key-of-CONFIG\n", "", "CONFIG"),
    "a section that is no profile": (
        TASK, "[ops]\n" + keys("OPS") + "[default]\nregion = x\n", "",
        "TASK1"),
    "a broken file": (TASK, "[default\n", SHARED, None),
    "a value before any section": (TASK, "", "a = 1\n" + SHARED, None),
    "a profile twice": (TASK, "", SHARED + SHARED, None),
    "a name twice": (TASK, "", SHARED + "aws_access_key_id = OTHER\n", None),
}

KEYS = ["AKIDENV", "SHARED", "CONFIG"]
SECTIONS = ["[default]", "[profile ops]", "[ops]", "[preview]", "  [default]",
            "[profile  ops ]", '[profile "ops"]', "[profile default]"]
HARMLESS = ["", "# aws_access_key_id = X", "  ; comment", "region = x # kept",
            "s3 =\n  signature = v4\n    deeper = 1", "output : y = z",
            "retry ="]
BROKEN = ["[default", "lonely", "= nothing", "[]", "    more of it"]


def random_file(lots):
    """Mostly sound: sections once, names once in each, now and then not."""
    lines = []
    for section in lots.sample(SECTIONS, lots.randint(1, 3)):
        sign, indent = lots.choice([" = ", "=", ": "]), lots.choice(["", "  "])
        body = ["%s%s%s%s" % (indent, name, sign, value) for name, value in (
            (lots.choice(["aws_access_key_id", "AWS_Access_Key_ID"]),
             lots.choice(KEYS)),
            ("aws_secret_access_key", "one-secret-for-all"))
            if lots.random() < 0.97]
        body += lots.sample(HARMLESS, lots.randint(0, 2))
        lots.shuffle(body)
        lines += [section] + body
    if lots.random() < 0.1:
        lines.insert(lots.randint(0, len(lines)), lots.choice(BROKEN))
    return "\n".join(lines)


# What needs a program or a person: name -> config file, credentials, words.
REFUSED = {
    "credential_process": (
        "[default]\ncredential_process = /usr/bin/touch FOLDER/ran\n", "",
        "credential_process, and we start no programs"),
    "credential_process of a source": (
        "[default]\n" + role("a", "source_profile = b") +
        "[profile b]\ncredential_process = /usr/bin/touch FOLDER/ran\n", "",
        "credential_process, and we start no programs"),
    "credential_process before the config file's keys": (
        "[default]\ncredential_process = /usr/bin/touch FOLDER/ran\n" +
        keys("CONFIG"), "", "credential_process, and we start no programs"),
    "SSO": ("[default]\nsso_session = x\nsso_account_id = 1\n"
            "sso_role_name = y\n", "", "profile default has sso settings"),
    "MFA": ("[default]\n" + role("a", "source_profile = default",
                                 "mfa_serial = arn:aws:iam::1:mfa/x"), SHARED,
            "mfa_serial, and there is nobody to ask"),
}


class Test:
    def __init__(self, engine, cases, world, folder):
        self.engine, self.cases, self.world = engine, cases, world
        self.folder = folder
        self.config = folder / "nightshift.lua"
        self.said = ""

    def fresh(self, config="", credentials="", settings="{}"):
        self.world.reset()
        for name in ("AKIDENV", "SHARED", "CONFIG", "OPS", "BASE", "B"):
            self.world.know(name)
        self.world.know("OPST", "token-of-OPST")
        for name, text in (("token", "TOKEN-ONE"), ("config", config),
                           ("task", "task-authorization-token"),
                           ("credentials", credentials)):
            (self.folder / name).write_text(self.filled(text))
        self.config.write_text("return " + settings)

    def filled(self, text):
        return text.replace("FOLDER", str(self.folder)).replace(
            "URL", self.world.url)

    def environment(self, more):
        return {**BARE, "AWS_REGION": "eu-central-1",
                "AWS_CONFIG_FILE": str(self.folder / "config"),
                "AWS_SHARED_CREDENTIALS_FILE": str(self.folder /
                                                   "credentials"),
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.world.url,
                "AWS_ENDPOINT_URL": self.world.url + "/ecs",
                "AWS_ENDPOINT_URL_STS": self.world.url + "/sts/",
                **{name: self.filled(value) for name, value in more.items()}}

    def call(self, env, *more):
        return self.engine.start(
            "call", "aws", "ecs:ListClusters", "--json", "--log", "debug",
            "--config", self.config, "--scripts", ROOT / "scripts", *more,
            env=self.environment(env))

    def botocore(self, env):
        """The name of the credentials that botocore finds, or None."""
        env = self.environment(env)
        env["AWS_DEFAULT_REGION"] = env["AWS_REGION"]
        done = subprocess.run([sys.executable, "-c", ORACLE], env=env,
                              capture_output=True, text=True, timeout=60)
        key = done.stdout.strip()
        if done.returncode or not key:
            self.said = done.stderr
            return None
        return self.world.keys.get(key, (0, 0, "unknown " + key))[2]

    def secrets_in(self, *texts):
        return ["a secret is in: " + text[:600] for text in texts
                for secret in self.world.secrets
                if secret and len(secret) > 2 and secret in text]

    def signed_problems(self, walk, names):
        if not names:
            yield walk.code == 0 and "it was answered: " + walk.words()
        else:
            yield walk.code != 0 and walk.words()
        if self.world.signed != names:
            yield "signed by %s, not %s\n%s" % (self.world.signed, names,
                                                walk.words())
        yield from self.world.problems
        yield from self.secrets_in(walk.out, walk.err)

    # --- the tables -------------------------------------------------------

    def table(self):
        for name, (env, config, credentials, wanted) in TABLE.items():
            self.fresh(config, credentials)
            theirs = self.botocore(env)
            self.fresh(config, credentials)
            walk = self.call(env)
            self.cases.check("like botocore: " + name, [
                theirs != wanted and "botocore finds %s\n%s" % (
                    theirs, self.said[-800:]),
                *self.signed_problems(walk, [wanted] if wanted else [])])

    def random_files(self, rounds=60):
        """Lines at random: which keys of which profile are there, if any?"""
        import botocore.credentials as theirs
        import botocore.exceptions
        from botocore.configloader import load_config, raw_config_parse
        lots = random.Random(20260301)
        wrong, signed = [], 0
        for _ in range(rounds):
            config, credentials = random_file(lots), random_file(lots)
            profile = lots.choice(["default", "default", "ops"])
            self.fresh(config, credentials)
            for name in KEYS:
                self.world.know(name, secret="one-secret-for-all")
            found = None
            try:
                load_config(str(self.folder / "config"))
                raw_config_parse(str(self.folder / "credentials"))
                for provider in (
                        theirs.SharedCredentialProvider(
                            str(self.folder / "credentials"), profile),
                        theirs.ConfigProvider(
                            str(self.folder / "config"), profile)):
                    if not found and provider.load():
                        found = provider.load()
            except (botocore.exceptions.BotoCoreError, ValueError):
                pass
            # A value of several lines signs nothing; botocore tells later.
            usable = found and "\n" not in (found.access_key +
                                            found.secret_key)
            found = found.access_key if usable else None
            walk = self.call({} if profile == "default" else
                             {"AWS_PROFILE": profile})
            signed += bool(found)
            if self.world.signed != ([found] if found else []):
                wrong.append("%s: signed by %s, botocore finds %s\n%s\n--\n%s"
                             "\n%s" % (profile, self.world.signed, found,
                                       config, credentials, walk.out))
        self.cases.check("%d pairs of files of random lines" % rounds, [
            *wrong[:3], signed < rounds / 3 and
            "only %d pairs had credentials" % signed])

    def refused(self):
        ran = self.folder / "ran"
        for name, (config, credentials, words) in REFUSED.items():
            self.fresh(config, credentials)
            walk = self.call({})
            self.cases.check("refused: " + name, [
                words not in walk.out and walk.words(),
                ran.exists() and "the program ran",
                *self.signed_problems(walk, [])])
        self.fresh(REFUSED["credential_process"][0])
        self.botocore({})
        self.cases.check("botocore does run the program (so the proof can fail)",
                         [not ran.exists() and "it did not"])
        ran.unlink(missing_ok=True)

    # --- the stories ------------------------------------------------------

    def no_imds_v1(self):
        self.fresh()
        self.world.v1 = True
        walk = self.call(IMDS)
        self.cases.check("an instance that speaks only IMDSv1 is not asked", [
            self.world.asked != ["PUT /latest/api/token"] and self.world.asked,
            "no session token (status 403)" not in walk.out and walk.words(),
            *self.signed_problems(walk, [])])

    def nothing(self):
        self.fresh()
        walk = self.call({})
        self.cases.check("no credentials: every provider says why", [
            walk.words() for words in (
                "environment: AWS_ACCESS_KEY_ID is not set",
                "role of the profile: profile default has no role_arn",
                "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
                "profile: there is no profile default",
                "container: neither", "instance metadata: AWS_EC2")
            if words not in walk.out])

    def expired(self):
        self.fresh()
        self.world.stale.add("TASK1")
        walk = self.call(TASK)
        self.cases.check("expired at AWS: fetched anew and sent once more",
                         self.signed_problems(walk, ["TASK1", "TASK2"]))
        self.fresh()
        self.world.stale |= {"TASK1", "TASK2"}
        walk = self.call(TASK)
        self.cases.check("expired twice: the error is AWS's", [
            "ExpiredTokenException" not in walk.out and walk.words(),
            self.world.signed != ["TASK1", "TASK2"] and self.world.signed])
        self.fresh()
        self.world.stale.add("AKIDENV")
        walk = self.call(ENV)
        self.cases.check("the environment's are not tried twice", [
            self.world.signed != ["AKIDENV"] and self.world.signed,
            walk.code == 0 and walk.words()])

    def account(self, number, stale=()):
        self.fresh(settings="""{ aws = { account = "111111111111",
            accounts = { ["222222222222"] = { external_id = "x-1",
              role = "arn:aws:iam::222222222222:role/there" },
              ["333333333333"] = {
              role = "arn:aws:iam::111111111111:role/here" } } } }""")
        self.world.stale |= set(stale)
        return self.call(TASK, "--account", number)

    def accounts(self):
        walk = self.account("222222222222")
        self.cases.check("another account: its role is assumed",
                         self.signed_problems(walk, ["role/there < TASK1"]))
        walk = self.account("111111111111")
        self.cases.check("our own account: ours",
                         self.signed_problems(walk, ["TASK1"]))
        walk = self.account("444444444444")
        self.cases.check("an account without a row: nobody acts", [
            "account 444444444444 is not ours" not in walk.out and walk.words(),
            *self.signed_problems(walk, [])])
        walk = self.account("333333333333")
        self.cases.check("a row with another account's role: nobody acts", [
            "role of another account" not in walk.out and walk.words(),
            *self.signed_problems(walk, [])])
        walk = self.account("222222222222", stale=["TASK1"])
        self.cases.check("ours expired at STS: fetched anew first",
                         self.signed_problems(walk, ["role/there < TASK2"]))
        walk = self.account("222222222222", stale=["role/there < TASK1"])
        self.cases.check("a role's expired at AWS: assumed anew", [
            len(self.world.signed) != 2 and self.world.signed,
            *self.world.problems])

    def run(self, lives, stale=()):
        """Two reads with more than a second between them, live."""
        self.fresh()
        self.world.lives["TASK"] = lives
        self.world.stale |= set(stale)
        state = self.folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        walk = self.engine.start(
            "run", "look_twice", "--event", EVENTS / "firing.json", "--live",
            "--scripts", self.scripts(), "--config", self.config, "--state",
            state, "--json", "--log", "debug", env=self.environment(TASK))
        kept = b"".join(path.read_bytes() for path in state.rglob("*")
                        if path.is_file()).decode("latin-1")
        return walk, kept

    def scripts(self):
        folder = self.folder / "scripts"
        if not folder.exists():
            for kind in ("sources", "lib"):
                shutil.copytree(FIXTURES / "live" / "scripts" / kind,
                                folder / kind)
            for kind, text in (("nodes", NODE), ("playbooks", PLAYBOOK)):
                (folder / kind).mkdir()
                (folder / kind / "look_twice.lua").write_text(text)
            shutil.copy(FIXTURES / "live" / "scripts" / "nodes" /
                        "escalation.lua", folder / "nodes")
        return folder

    def in_mid_run(self):
        for name, lives, names in (
                ("ended in mid-run: the next ones sign", [61, 3600],
                 ["TASK1", "TASK2"]),
                ("good for long: fetched once", [3600], ["TASK1", "TASK1"]),
                ("a refresh that fails: the old ones, while they last",
                 [61, 500], ["TASK1", "TASK1"])):
            walk, kept = self.run(lives)
            self.cases.check(name, [
                walk.outcome != "done" and walk.words(),
                *self.signed_problems(walk, names), *self.secrets_in(kept)])
        walk, kept = self.run([500])
        self.cases.check("none at all: the provider is named", [
            "container: its endpoint answered with status 500" not in
            walk.out + kept and walk.words(), *self.secrets_in(kept)])


NODE = """
return {
  about = "Look, wait, look again.",
  outcomes = { "seen" },
  effects = { "aws:ecs:ListClusters" },
  run = function(ctx)
    ctx.aws("ecs:ListClusters", {})
    ctx.sleep(2)
    ctx.aws("ecs:ListClusters", {})
    return "seen"
  end,
}
"""

PLAYBOOK = """
return {
  about = "Look twice.",
  trigger = { source = "alertmanager",
              labels = { service = "*", cluster = "*" } },
  key = { "$incident.labels.cluster", "$incident.labels.service" },
  limits = { attempts = 1, deadline = "1m" },
  start = "look",
  nodes = { look = { use = "look_twice", next = { seen = "done" } },
            escalation = { use = "escalation" } },
}
"""


def main():
    engine = from_arguments(__doc__)
    into_venv()
    from lib.credential_world import World
    cases, folder = Cases(), pathlib.Path(tempfile.mkdtemp(
        prefix="nightshift-creds-"))
    port = free_port()
    moto = "http://127.0.0.1:%d" % port
    try:
        with Child(moto + "/moto-api/", VENV / "bin" / "moto_server", "-H",
                   "127.0.0.1", "-p", port) as _, World(moto) as world:
            test = Test(engine, cases, world, folder)
            test.table()
            test.random_files()
            test.refused()
            test.no_imds_v1()
            test.nothing()
            test.expired()
            test.accounts()
            test.in_mid_run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
