"""github_description.py - GitHub's own OpenAPI description, cut to size.

Whole it is 811 paths and prism needs half a minute to load it. What is cut:
every operation but the ones that are named, every component that none of those
refers to, and webhooks. One thing is added: each answer is offered as
application/vnd.github+json too, the type that GitHub's documentation tells
clients to accept and that the description itself does not list; prism would
refuse every request with 406.
"""

import json
import re

REFERENCE = "#/components/"


def references(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref" and isinstance(inner, str):
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def components(whole, kept_paths):
    """Of the description, only what the paths lead to, however far."""
    kept, open_ones = {}, list(references(kept_paths))
    while open_ones:
        name = open_ones.pop()
        if not name.startswith(REFERENCE):
            continue
        kind, _, item = name[len(REFERENCE):].partition("/")
        if item in kept.setdefault(kind, {}):
            continue
        kept[kind][item] = whole["components"][kind][item]
        open_ones += references(kept[kind][item])
    return kept


def offer(value):
    """Adds the media type to every answer below."""
    if isinstance(value, dict):
        if "application/json" in value:
            value["application/vnd.github+json"] = value["application/json"]
        for inner in list(value.values()):
            offer(inner)
    elif isinstance(value, list):
        for inner in value:
            offer(inner)


def offer_answers(description):
    for path in description["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                offer(operation.get("responses"))
    offer(description["components"].get("responses"))


def cut(whole, routes):
    """(a description with these routes alone, the routes that it lacks)"""
    paths, missing = {}, []
    for route in sorted(routes):
        verb, _, path = route.partition(" ")
        found = whole["paths"].get(path, {})
        if verb.lower() not in found:
            missing.append(route)
            continue
        kept = paths.setdefault(path, {"parameters":
                                       found.get("parameters", [])})
        kept[verb.lower()] = found[verb.lower()]
    smaller = {key: whole[key] for key in ("openapi", "info", "servers")}
    smaller["paths"] = paths
    smaller["components"] = components(whole, paths)
    offer_answers(smaller)
    return smaller, missing


def read(file):
    with open(file, encoding="utf-8") as text:
        return json.load(text)


def declared(folder):
    """The REST routes that scripts declare, from their text."""
    return {route for path in folder.rglob("*.lua") for route in
            re.findall(r'"github:([A-Z]+ /[^"]*)"', path.read_text())}
