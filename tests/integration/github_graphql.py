#!/usr/bin/env python3
"""What a GraphQL document is: the engine's verdict and an independent parser's.

graphql-core parses each document of a corpus; from its tree follows what the
effect must be called: `query` when every operation is one, the field of the one
mutation with one field, `mutation` for anything else, or a refusal. The engine
is asked by `nightshift call` in a fixture world, where nothing can be sent.
Documents on which the engine is stricter on purpose are listed apart, with why.
The queries that our own scripts and readbacks send are part of the corpus.

    github_graphql.py --nightshift PATH      (needs graphql-core)
"""

import concurrent.futures
import itertools
import json
import pathlib
import random
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import graphql                                                # noqa: E402
from graphql.language import ast                              # noqa: E402

from lib.cases import Cases                                   # noqa: E402
from lib.engine import ROOT, from_arguments                   # noqa: E402

BLOCK = '"""'

# Read or written, and meant to look like the other.
BY_HAND = [
    "{ viewer { login } }", "query { a }", "query Q { a }", "query Q($a: Int) "
    "{ a(b: $a) }", "query Q($a: [Int!]! = [1, 2]) @d(x: 1) { a @e }",
    "mutation { m }", "mutation M { m }", "mutation($input: I!) { m(input: "
    "$input) { a } }", "mutation { alias: m }", "mutation { query: m }",
    "mutation { m: query }", "mutation { query }", "mutation { mutation }",
    "mutation { a b }", "mutation { a a }", "mutation { a: x b: x }",
    "mutation { ...F } fragment F on Mutation { m }",
    "mutation { ... on Mutation { m } }", "mutation { ... { m } }",
    "mutation { ... @include(if: true) { m } }",
    "mutation { m ...F } fragment F on Mutation { n }",
    "mutation { m @skip(if: true) }", "mutation { m @a @b(c: {d: [1]}) { e } }",
    "subscription { s }", "subscription S { s { t } }",
    "query A { a } query B { b }", "query A { a } mutation B { b }",
    "mutation A { a } mutation B { b }", "mutation A { a } query B { b }",
    "mutation A { a } subscription B { b }", "{ a } fragment F on T { b }",
    "fragment F on T { b } mutation { m }", "fragment F on T { mutation }",
    "fragment F on T { b }", "query mutation { a }", "query query { query }",
    "query subscription { mutation { subscription } }",
    "query($mutation: Int) { a(mutation: $mutation) }",
    "query { mutation: a }", "query { mutation }", "{ mutation { m } }",
    "{ query }", "{ a(b: mutation) }", "{ a(mutation: {mutation: mutation}) }",
    "# mutation { m }\n{ a }", "{ a } # mutation { m }", "{ a # }\n }",
    "#\n#\nmutation # query\n { # a\n m # b\n }", "{ a }\n#",
    "# {\r\nmutation { m }", '{ a(s: "mutation { m }") }',
    '{ a(s: "\\"") } mutation { m }', '{ a(s: "\\\\") }',
    '{ a(s: "\\\\") mutation }', '{ a(s: "# ") } mutation { m }',
    '{ a(s: "\\u007B \\n \\/") }', '{ a(s: "\\x") }', '{ a(s: "\\u12") }',
    '{ a(s: "x\ny") }', '{ a(s: "x }', '{ a(s: "") }', '{ a(s: """") }',
    "{ a(s: %smutation { m }%s) }" % (BLOCK, BLOCK),
    "{ a(s: %s\nmutation { m }\n%s) }" % (BLOCK, BLOCK),
    "{ a(s: %s \\%s } mutation { m } %s) }" % (BLOCK, BLOCK, BLOCK),
    "{ a(s: %s\\%s) } mutation { m }" % (BLOCK, BLOCK),
    "{ a(s: %s %s) } mutation { m }" % (BLOCK, BLOCK),
    '{ a(s: %s " "" %s) } mutation { m }' % (BLOCK, BLOCK),
    "{ a(s: %s# %s) } mutation { m }" % (BLOCK, BLOCK),
    "{ a(s: %s x) }" % BLOCK, "{ a(s: %s\\n \\q%s) }" % (BLOCK, BLOCK),
    "\ufeff{ a }", "\ufeffmutation { m }", "{ a \ufeff b }",
    "query,{,a,,b,}", "mutation,,{m}", ",,,{a}", "{a}{b}", "\t{\ta\t}\t",
    "{ a(b: 1, c: -2, d: 0, e: 1.5, f: 1e9, g: -0.1E-3) }", "{ a(b: 01) }",
    "{ a(b: -01) }", "{ a(b: 00) }", "{ a(b: -) }", "{ a(b: 1.) }",
    "{ a(b: .5) }", "{ a(b: 1e) }", "{ a(b: 1x) }", "{ a(b: 1.2.3) }",
    "{ a(b: 0x1) }", "{ a(b: 1_000) }", "{ a(b: null, c: true, d: RED) }",
    "{ a(b: []) }", "{ a(b: {}) }", "{ a(b: [1 2, [3]]) }", "{ a(b: {c:1 d:2}) }",
    "{ a(b: [) }", "{ a(b: {c}) }", "{ a(b: {c:}) }", "{ a() }", "{ a(b) }",
    "{ a(b:) }", "{ a(b: $) }", "{ a(b: $c d: $e) }", "query() { a }",
    "query($a) { a }", "query($a: ) { a }", "query($a: Int = $b) { a }",
    "query($a: Int = [$b]) { a }", "query($a: Int, $b: [T]) { a }",
    "query($a: Int! @d) { a }", "query($a: [[T!]!]) { a }", "query($a: T!!) { a }",
    "{}", "query {}", "mutation {}", "{ a { } }", "{", "}", "", " ", "#", "query",
    "mutation", "query Q", "{ a } }", "{ a", "{ a: }", "{ : a }", "{ a: b: c }",
    "{ a b: c(d: 1) @e { f } }", "{ ...F }", "{ ... F }", "{ ...F @d }",
    "{ ...on }", "{ ...on T }", "{ ...on T { a } }", "{ ... on on { a } }",
    "{ ...onT }", "{ ...@d { a } }", "{ .. F }", "{ .... F }",
    "fragment on on T { a } { a }", "fragment F T { a } { a }",
    "fragment F on T @d { a } { a }", "fragment F on T { } { a }",
    "fragment query on T { a } query { ...query }",
    "fragment mutation on T { a } query { ...mutation }", "mutate { a }",
    "Query { a }", "MUTATION { m }", "mutation M M { m }", "mutation 1 { m }",
    "mutation { 1 }", "{ a.b }", "{ a|b }", "{ a & b }", "{ a! }", "{ a = b }",
    "{ $a }", "{ @a }", "{ é }", "{ a(s: \"é\U0001f6a8\") }", "{ a ; b }",
    "{ a(s: 'x') }", "{ `a` }", "{ a ? }", "{ a % }", "{ __typename }",
    "mutation { __typename }", "mutation { _m1 }", "query _ { _ }",
    "type T { a: Int }", "schema { query: Q }", "extend type T { a: Int }",
    "directive @d on FIELD", "input I { a: Int } { a }", "scalar S",
    "{ a } type T { a: Int }", "mutation { m } scalar S",
]

# Stricter than the specification, each for its reason.
STRICTER = {
    "{ a } # \r mutation { m }": "servers differ over a lone carriage return",
    "{ a }\r": "the same",
    '{ a(s: %s\r%s) }' % (BLOCK, BLOCK): "the same",
    "{ a(b: " + "[" * 80 + "]" * 80 + ") }": "nested too deeply",
    "{ a }" + " " * 65536: "longer than any document of ours",
    "{ a(s: \"\x7f\") }": "a control character has no use",
}


def made(seed, count):
    """Documents put together from pieces, many of them broken."""
    dice = random.Random(seed)
    pieces = ["{", "}", "{", "}", "a", "b", "m", "query", "mutation", "(", ")",
              "x:", "$v", "...", "F", "on", "T", "fragment", "@d", '"s"', "1",
              BLOCK + " } " + BLOCK, "# }\n", "[", "]", "subscription", ",",
              '"{"', ":", "\ufeff"]
    whole = ["query Q { a }", "mutation M { m }", "fragment F on T { a }",
             "{ a(x: %s}%s) }" % (BLOCK, BLOCK), "# mutation\n",
             'query { a(x: "\\"}") }', "mutation { x: m(i: [{}]) { a } }",
             "subscription { s }"]
    for index in range(count):
        kind = pieces if index % 2 else whole
        yield " ".join(dice.choices(kind, k=dice.randint(1, 9)))


def ours():
    """What scripts/ and the engine's own readbacks send."""
    for path in (ROOT / "scripts").rglob("*.lua"):
        yield from re.findall(r"\[\[\s*(?=query|mutation)(.*?)\]\]",
                              path.read_text(), re.S)
    for path in (ROOT / "core" / "effect").glob("rule_*.c"):
        for text in re.findall(r"\w+_query\[\] =\n((?:\s+\".*\"\n?)+)",
                               path.read_text()):
            yield "".join(re.findall(r'"(.*)"', text))


class Empty(graphql.Visitor):
    """Notes a selection of nothing: this parser takes it, section 2.4 of the
    specification does not."""

    def __init__(self):
        super().__init__()
        self.found = False

    def enter_selection_set(self, node, *_):
        self.found = self.found or not node.selections


def is_empty(tree):
    empty = Empty()
    graphql.visit(tree, empty)
    return empty.found


def verdict(text):
    """From the tree that the independent parser made."""
    try:
        tree = graphql.parse(text)
    except graphql.GraphQLSyntaxError:
        return "refused"
    if not all(isinstance(part, (ast.OperationDefinitionNode,
                                 ast.FragmentDefinitionNode))
               for part in tree.definitions):
        return "refused"
    if is_empty(tree):
        return "refused"
    operations = [part for part in tree.definitions
                  if isinstance(part, ast.OperationDefinitionNode)]
    kinds = {part.operation.value for part in operations}
    if not operations:
        return "refused"
    if kinds == {"query"}:
        return "query"
    roots = operations[0].selection_set.selections
    if (len(operations) == 1 and kinds == {"mutation"} and len(roots) == 1 and
            isinstance(roots[0], ast.FieldNode)):
        name = roots[0].name.value
        return name if name not in ("query", "mutation") else "mutation"
    return "mutation"


class Test:
    def __init__(self, engine, world):
        self.engine, self.world, self.cases = engine, world, Cases()

    def said(self, text):
        walk = self.engine.start(
            "call", "github", "POST /graphql", "-", "--fixtures", self.world,
            "--json", "--scripts", ROOT / "scripts", env={"AWS_REGION": "eu-1"},
            stdin=json.dumps({"query": text}).encode())
        effect = walk.report.get("effect")
        if effect is None and "GraphQL" in walk.out + walk.err:
            return "refused", None, walk
        return (effect or "").replace("github:graphql:", ""), \
            walk.report.get("class"), walk

    def agrees(self, text):
        wanted = verdict(text)
        said, kind, walk = self.said(text)
        fits = kind == {"query": "read", "refused": None}.get(wanted, kind)
        if wanted not in ("query", "refused") and kind == "read":
            fits = False
        self.cases.check(repr(text)[:90], [
            said != wanted and "%s, not %s: %s" % (said, wanted,
                                                   walk.words()[-300:]),
            not fits and "class %s" % kind])

    def stricter(self, text, why):
        said, _, walk = self.said(text)
        self.cases.check("refused since " + why, [
            said != "refused" and walk.words()])

    def all(self):
        own = list(ours())
        self.cases.check("our own documents are found", [
            len(own) < 2 and "only %d" % len(own)])
        corpus = list(dict.fromkeys(itertools.chain(own, BY_HAND,
                                                    made(20260301, 200))))
        wanted = [verdict(text) for text in corpus]
        counts = {kind: wanted.count(kind) for kind in set(wanted)}
        print("%d documents: %s" % (len(corpus), json.dumps(
            counts, sort_keys=True)), flush=True)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(self.agrees, corpus))
        for text, why in STRICTER.items():
            self.stricter(text, why)
        return self.cases.end()


def main():
    engine = from_arguments(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        world = pathlib.Path(folder) / "world.json"
        world.write_text(json.dumps(
            {"match": {"effect": "github:graphql:*"}, "answer": {}}))
        return Test(engine, folder).all()


if __name__ == "__main__":
    sys.exit(main())
