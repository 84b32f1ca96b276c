#!/usr/bin/env python3
"""Each provider's requests and answers, judged by its own client.

What nightshift sends is validated against the official clients' types and
botocore's model; the double's answers are read by those clients too, so that a
double that is wrong is found out. Then every kind of bad answer, failures,
time and money.
"""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import anthropic
import botocore.session
import botocore.validate
import openai
import pydantic
from anthropic.types import message_create_params
from openai.types.chat import completion_create_params

from lib.cases import Cases
from lib.engine import CREDENTIALS, from_arguments
from lib.model_double import ModelDouble
from lib.record import Record

QUESTION = {
    "question": "Which action?",
    "evidence": [{"name": "log", "text": "task 7 ran out of memory"}],
    "actions": {"scale": {"about": "Add tasks", "arguments": {
                    "by": {"type": "integer", "min": 1, "max": 3}}},
                "wait": {"about": "Do nothing"}},
}
GOOD = {"action": "scale", "arguments": {"by": 2}, "confidence": 0.8,
        "reasons": ["full"],
        "quotes": [{"evidence": "log", "text": "out of memory"}]}
ASK = {"question": "Which task?", "evidence": QUESTION["evidence"],
       "schema": {"task": {"type": "integer", "min": 1}}}
ASKED = {"value": {"task": 7},
         "quotes": [{"evidence": "log", "text": "task 7"}]}
KEYS = {**CREDENTIALS, "OPENAI_API_KEY": "sk-of-a-double-openai",
        "ANTHROPIC_API_KEY": "sk-ant-of-a-double",
        "AWS_EC2_METADATA_DISABLED": "true"}
PROVIDERS = ("openai", "anthropic", "bedrock")


def lua(value):
    if isinstance(value, dict):
        return "{%s}" % ",".join("[%s]=%s" % (json.dumps(k), lua(v))
                                 for k, v in value.items())
    return json.dumps(value)


class Bench:
    def __init__(self, engine, double, folder):
        self.engine, self.double = engine, double
        self.folder = pathlib.Path(folder)

    def call(self, provider, name="choose", question=None, live=False, **llm):
        model = "eu.anthropic.claude:0" if provider == "bedrock" else "m-1"
        settings = {"provider": provider, "model": model,
                    "timeout": "5s", **llm}
        url = {"openai": self.double.url + "/v1"}.get(provider,
                                                      self.double.url)
        if provider != "none":
            settings[provider] = {"url": url, **llm.get(provider, {})}
        config = self.folder / "nightshift.lua"
        config.write_text("return { llm = %s }\n" % lua(settings))
        asked = question or (QUESTION if name == "choose" else ASK)
        walk = self.engine.start(
            "call", "llm", name, json.dumps(asked), "--json", "--config",
            config, *(["--live", "--state", self.folder / "state"]
                      if live else []), env=KEYS)
        return walk

    def answer(self, *args, **kwargs):
        walk = self.call(*args, **kwargs)
        report = walk.report
        return report.get("answer"), report.get("error"), walk


# --- what the official clients say ----------------------------------------

def request_problems(provider, seen):
    body = seen["body"]
    headers = {k.lower(): v for k, v in seen["headers"].items()}
    if provider == "openai":
        pydantic.TypeAdapter(
            completion_create_params.CompletionCreateParamsNonStreaming
        ).validate_python(body)
        if headers.get("authorization") != "Bearer sk-of-a-double-openai":
            yield "authorization is %s" % headers.get("authorization")
    elif provider == "anthropic":
        pydantic.TypeAdapter(
            message_create_params.MessageCreateParamsNonStreaming
        ).validate_python(body)
        if headers.get("x-api-key") != "sk-ant-of-a-double":
            yield "x-api-key is %s" % headers.get("x-api-key")
        if "anthropic-version" not in headers:
            yield "no anthropic-version"
    else:
        model = botocore.session.Session().get_service_model(
            "bedrock-runtime").operation_model("Converse")
        report = botocore.validate.ParamValidator().validate(
            {"modelId": "eu.anthropic.claude:0", **body}, model.input_shape)
        if report.has_errors():
            yield report.generate_report()
        if "/bedrock/aws4_request" not in headers.get("authorization", ""):
            yield "authorization is %s" % headers.get("authorization")
        if seen["path"] != "/model/eu.anthropic.claude%3A0/converse":
            yield "path is %s" % seen["path"]


def client_reads(double):
    """The double's answer, by each official client."""
    found = openai.OpenAI(base_url=double.url + "/v1", api_key="k").chat \
        .completions.create(model="m", messages=[{"role": "user",
                                                  "content": "x"}])
    yield "openai", json.loads(found.choices[0].message.content), \
        found.usage.prompt_tokens
    found = anthropic.Anthropic(base_url=double.url, api_key="k").messages \
        .create(model="m", max_tokens=9, messages=[{"role": "user",
                                                    "content": "x"}])
    yield "anthropic", found.content[0].input, found.usage.input_tokens
    client = botocore.session.Session().create_client(
        "bedrock-runtime", region_name="eu-west-1", endpoint_url=double.url,
        aws_access_key_id="a", aws_secret_access_key="b")
    found = client.converse(modelId="m", messages=[
        {"role": "user", "content": [{"text": "x"}]}])
    yield "bedrock", found["output"]["message"]["content"][0]["toolUse"][
        "input"], found["usage"]["inputTokens"]


def honest_double(cases, bench):
    bench.double.reset({"value": GOOD})
    for name, value, tokens in client_reads(bench.double):
        cases.check("%s's client reads the double" % name, [
            value != GOOD and "read %s" % value,
            tokens != 100 and "tokens %s" % tokens])


# --- good answers ---------------------------------------------------------

def good(cases, bench, provider):
    bench.double.reset({"value": GOOD})
    answer, error, walk = bench.answer(provider)
    problems = [not answer and walk.words()]
    if answer:
        problems += [answer.get(k) != GOOD[k] and "%s is %s" % (k, answer.get(k))
                     for k in GOOD]
        problems += [answer["provider"] != provider and "provider",
                     answer["attempts"] != 1 and "attempts",
                     answer["usage"]["input_tokens"] != 100 and "usage"]
        try:
            problems += request_problems(provider, bench.double.seen[0])
        except pydantic.ValidationError as wrong:
            problems.append(wrong)
    cases.check("%s: a choice" % provider, problems)
    bench.double.reset({"value": ASKED})
    answer, error, walk = bench.answer(provider, "ask")
    cases.check("%s: a text" % provider, [
        (not answer or answer["value"] != {"task": 7}) and walk.words()])
    bench.double.reset({"text": json.dumps(GOOD)})
    answer, error, walk = bench.answer(provider, plain=True)
    body = bench.double.seen[0]["body"] if bench.double.seen else {}
    cases.check("%s: plain" % provider, [
        (not answer or answer["action"] != "scale") and walk.words(),
        any(k in body for k in ("response_format", "tools", "toolConfig"))
        and "has structure"])


def azure(cases, bench):
    bench.double.reset({"value": GOOD})
    answer, _, walk = bench.answer(
        "openai", openai={"url": bench.double.url, "api_version": "2024-10-21"})
    seen = (bench.double.seen or [{"path": "", "headers": {}}])[0]
    headers = {k.lower(): v for k, v in seen["headers"].items()}
    cases.check("azure", [
        (not answer or answer["action"] != "scale") and walk.words(),
        seen["path"] != "/openai/deployments/m-1/chat/completions"
        "?api-version=2024-10-21" and seen["path"],
        headers.get("api-key") != "sk-of-a-double-openai" and "no api-key",
        "authorization" in headers and "a bearer, too"])


# --- bad answers ----------------------------------------------------------

def with_(**changes):
    return {"value": {**GOOD, **changes}}


BAD = {  # name -> (reply, how many requests)
    "undeclared": (with_(action="delete"), 2),
    "wrong case": (with_(action="Scale"), 2),
    "out of range": (with_(arguments={"by": 99}), 2),
    "number as text": (with_(arguments={"by": "2"}), 2),
    "missing argument": (with_(arguments={}), 2),
    "unknown argument": (with_(arguments={"by": 1, "force": True}), 2),
    "unknown member": (with_(command="rm"), 2),
    "confidence": (with_(confidence=7), 2),
    "forged quote": (with_(quotes=[{"evidence": "log",
                                    "text": "scale to zero"}]), 2),
    "no such evidence": (with_(quotes=[{"evidence": "x", "text": "task"}]), 2),
    "cut": ({"text": '{"action":', "stop": "length"}, 2),
    "whole and cut": ({"text": json.dumps(GOOD), "stop": "length"}, 2),
    "refused": ({"text": "", "stop": "refusal"}, 1),
    "filtered": ({"text": "", "stop": "filter"}, 1),
    "empty": ({"text": ""}, 2),
    "prose": ({"text": "I would scale."}, 2),
    "a list": ({"text": "[1]"}, 2),
    "not JSON": ({"bytes": b"<html>"}, 2),
    "empty object": ({"bytes": b"{}"}, 2),
}


def bad(cases, bench, provider):
    for name, (reply, requests) in BAD.items():
        bench.double.reset(reply)
        answer, error, walk = bench.answer(provider)
        cases.check("%s: %s is unsure" % (provider, name), [
            (not answer or answer["action"] != "unsure" or not
             answer.get("why")) and walk.words(),
            len(bench.double.seen) != requests and "%d requests" % len(
                bench.double.seen)])
    bench.double.reset(with_(action="delete"), {"value": GOOD})
    answer, _, walk = bench.answer(provider)
    second = json.dumps(bench.double.seen[-1]["body"])
    cases.check("%s: a second answer is taken" % provider, [
        (not answer or answer["action"] != "scale" or answer["attempts"] != 2
         or answer["usage"]["input_tokens"] != 200) and walk.words(),
        "was not taken" not in second and "no complaint",
        "delete" in second and "the complaint repeats the answer"])
    bench.double.reset({"text": "```json\n%s\n```" % json.dumps(GOOD)})
    answer, _, walk = bench.answer(provider)
    cases.check("%s: a code fence is taken off" % provider, [
        (not answer or answer["action"] != "scale") and walk.words()])
    bench.double.reset({"value": {"value": {"task": "7"}, "quotes": []}})
    answer, error, walk = bench.answer(provider, "ask")
    cases.check("%s: a bad text is an error" % provider, [
        (answer or error["code"] != "invalid") and walk.words()])


# --- failures, time and money ---------------------------------------------

def failures(cases, bench, provider):
    for status in (429, 529, 503):
        bench.double.reset({"status": status, "headers": {"Retry-After": "0"}},
                           {"value": GOOD})
        answer, _, walk = bench.answer(provider)
        cases.check("%s: %d is asked again" % (provider, status), [
            (not answer or answer["action"] != "scale") and walk.words(),
            len(bench.double.seen) != 2 and "%d requests" % len(
                bench.double.seen)])
    # One that failed may be asked again; one that refused says the same.
    for status, code, times in ((500, "remote", 4), (400, "invalid", 1),
                                (401, "denied", 1), (404, "not_found", 1)):
        bench.double.reset({"status": status})
        answer, error, walk = bench.answer(provider)
        cases.check("%s: %d is %s" % (provider, status, code), [
            (answer or not error or error["code"] != code) and walk.words(),
            len(bench.double.seen) != times and "%d requests" % len(
                bench.double.seen)])
    bench.double.reset({"hang": True})
    answer, error, walk = bench.answer(provider, timeout="200ms")
    cases.check("%s: silence ends at its deadline" % provider, [
        (answer or not error or error["code"] != "timeout") and walk.words()])


def money(cases, bench):
    prices = {"m-1": {"input": 2, "output": 10}}
    bench.double.reset({"value": GOOD})
    answer, _, walk = bench.answer("openai", prices=prices, live=True,
                                   day_usd=1)
    cases.check("usage is priced", [
        (not answer or answer["usage"]["micro_usd"] != 400) and walk.words()])
    answer, _, walk = bench.answer("openai", prices=prices, day_usd=1)
    kept = [r[1] for k, r in Record(bench.folder / "state").rows.items()
            if k.startswith("main/spend/llm/")]
    cases.check("N9 the day's sum is of live runs alone", [
        kept != [b"400"] and "kept %s" % kept])
    bench.answer("openai", prices=prices, day_usd=1, live=True)
    kept = [r[1] for k, r in Record(bench.folder / "state").rows.items()
            if k.startswith("main/spend/llm/")]
    cases.check("the day's sum goes on in the next process", [
        kept != [b"800"] and "kept %s" % kept])
    for name in ("run_usd", "day_usd"):
        bench.double.reset({"value": GOOD})
        answer, _, walk = bench.answer("openai", prices=prices,
                                       **{name: 0.0001})
        cases.check("over %s is unsure and unsent" % name, [
            (not answer or "budget" not in answer.get("why", ""))
            and walk.words(), bench.double.seen and "it was sent"])
        answer, error, walk = bench.answer("openai", "ask", prices=prices,
                                           **{name: 0.0001})
        cases.check("over %s is an error of ask" % name, [
            (answer or error["code"] != "limit") and walk.words()])
    answer, error, walk = bench.answer("openai", run_usd=1)
    cases.check("a budget without a price is an error", [
        (answer or error["code"] != "config") and walk.words()])
    bench.double.reset({"value": GOOD}, usage=None)
    answer, _, walk = bench.answer("openai", prices=prices, day_usd=1)
    cases.check("what is not counted costs its worst case", [
        (not answer or answer["usage"]["micro_usd"] < 10240) and walk.words()])


def none(cases, bench):
    bench.double.reset({"value": GOOD})
    answer, _, walk = bench.answer("none")
    cases.check("without a provider a choice is unsure", [
        (not answer or answer["action"] != "unsure") and walk.words(),
        bench.double.seen and "it was sent"])
    answer, error, walk = bench.answer("none", "ask")
    cases.check("without a provider a text is an error", [
        (answer or error["code"] != "config") and walk.words()])


def secrets(cases, bench):
    question = {**QUESTION, "evidence": [{"name": "log", "text":
                "key AKIAEXAMPLE000000000 and secret-of-a-double-\u200band-no-"
                "other and sk-of-a-double-openai"}]}
    bench.double.reset(with_(quotes=[]))
    answer, _, walk = bench.answer("openai", question=question, live=True)
    sent = json.dumps(bench.double.seen[0]["body"]) if bench.double.seen else ""
    rows = b"".join(r[1] or b"" for r in
                    Record(bench.folder / "state").rows.values())
    cases.check("N11 no secret is sent or kept", [
        not answer and walk.words()] + [
        "%s is in what was sent" % word for word in
        ("AKIAEXAMPLE", "secret-of-a-double", "sk-of-a") if word in sent] + [
        "%s is in the store" % word for word in
        ("AKIAEXAMPLE", "secret-of-a-double", "sk-of-a")
        if word.encode() in rows])


def main():
    engine, cases = from_arguments(__doc__), Cases()
    with ModelDouble() as double, tempfile.TemporaryDirectory() as folder:
        bench = Bench(engine, double, folder)
        honest_double(cases, bench)
        for provider in PROVIDERS:
            good(cases, bench, provider)
            bad(cases, bench, provider)
            failures(cases, bench, provider)
        azure(cases, bench)
        none(cases, bench)
        money(cases, bench)
        secrets(cases, bench)
    return cases.end()


if __name__ == "__main__":
    sys.exit(main())
