#!/usr/bin/env python3
"""The house rules that a compiler does not know.

Each rule is a function that yields findings; a rule without findings has
passed. Run by `make lint`; standard library only.
"""
import argparse
import pathlib
import re
import subprocess
import sys

import effects_page

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = ROOT / "core"

ONE_LIBRARY_ONE_FILE = {
    r"<uv\.h>": "sys/loop.c",
    r"<openssl/": "sys/crypto.c",
    r"<curl/": "net/http_client.c",
    r"<microhttpd\.h>": "net/http_server.c",
    r"<gnutls/": "net/http_tls.c",
    r"<sqlite3\.h>": "store/store_sqlite.c",
    r"<jansson\.h>": "base/json.c",
    r"<expat\.h>": "base/xml.c",
    r"<(lua|lualib|lauxlib)\.h>": "vm/",
}
NAMELESS = {"utils", "common", "helpers", "misc", "manager", "util", "helper"}
RAW_LUA_CALLS = r"\b(lua_pcall|lua_pcallk|luaL_dofile|luaL_dostring|luaL_openlibs)\s*\("


def sources(*suffixes):
    return sorted(p for p in CORE.rglob("*") if p.suffix in suffixes)


def module(path):
    return path.relative_to(CORE).parts[0] if path.parent != CORE else "cli"


def where(path, line=1):
    return f"{path.relative_to(ROOT)}:{line}"


def lines_of(path):
    return enumerate(path.read_text().split("\n"), 1)


def without_comments(text):
    keep_lines = lambda m: re.sub(r"[^\n]", " ", m.group())
    return re.sub(r"/\*.*?\*/", keep_lines, text, flags=re.S)


def read_layers():
    layers = {}
    for line in (CORE / "LAYERS").read_text().splitlines():
        if ":" in line and not line.startswith("#"):
            name, rest = line.split(":", 1)
            layers[name.strip()] = rest.split("#")[0].split()
    return layers


def layers():
    allowed = read_layers()
    for path in sources(".c", ".h"):
        me = module(path)
        if me not in allowed:
            yield f"{where(path)}: module {me} is not in core/LAYERS"
            continue
        for number, line in lines_of(path):
            found = re.match(r'#include "([a-z_]+)/', line)
            if not found:
                continue
            other = found.group(1)
            may = allowed[me]
            if other != me and other not in may and "*" not in may:
                yield f"{where(path, number)}: {me} may not include {other}"


def contained_libraries():
    for path in sources(".c", ".h"):
        name = str(path.relative_to(CORE))
        for number, line in lines_of(path):
            for library, owner in ONE_LIBRARY_ONE_FILE.items():
                if re.match(r"#include " + library, line) and \
                        not name.startswith(owner):
                    yield f"{where(path, number)}: only {owner} may include it"


def private_headers():
    for path in sources(".c", ".h"):
        for number, line in lines_of(path):
            found = re.match(r'#include "([a-z_]+)/[a-z_]+_private\.h"', line)
            if found and found.group(1) != module(path):
                yield f"{where(path, number)}: a private header of another module"


def one_noun_a_file():
    for path in sources(".c", ".h"):
        if path.stem in NAMELESS:
            yield f"{where(path)}: {path.stem} is no noun"


def head_comments():
    for path in sources(".c", ".h", ".def"):
        first = path.read_text().split("*/")[0]
        if not first.startswith(f"/* {path.name} - "):
            yield f'{where(path)}: must begin with "/* {path.name} - …"'
        elif path.suffix == ".h" and not re.search(
                r"\* Lifetime: .*Thread: ", first, re.S):
            yield f"{where(path)}: its head must end with Lifetime and Thread"


def no_leftovers():
    for path in sources(".c", ".h", ".lua", ".def"):
        for number, line in lines_of(path):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                yield f"{where(path, number)}: a note instead of the work"
            if re.match(r"\s*//", line) and path.suffix != ".lua":
                yield f"{where(path, number)}: comments are /* … */"


def one_way_into_lua():
    for path in sources(".c"):
        text = without_comments(path.read_text())
        for number, line in enumerate(text.split("\n"), 1):
            # bounded.c has the pcall that scripts call, inside vm_enter().
            if re.search(RAW_LUA_CALLS, line) and \
                    path.name not in ("vm.c", "bounded.c"):
                yield f"{where(path, number)}: only vm_enter() goes into Lua"
            if re.search(r"\blua_yieldk?\s*\(", line) and \
                    path.name not in ("vm.c", "ctx.c"):
                yield f"{where(path, number)}: only ctx.c yields"


def no_programs():
    banned = r"\b(system|popen|execv|execl|execve|execvp|fork|vfork|posix_spawn)\s*\("
    for path in sources(".c", ".h"):
        if path.name == "banned.h":
            continue
        text = without_comments(path.read_text())
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(banned, line):
                yield f"{where(path, number)}: we start no programs"


def metadata_reach():
    """Link-local is for whoever fetches credentials, and for nobody else."""
    for path in sources(".c", ".h"):
        if module(path) in ("net", "aws"):
            continue
        for number, line in lines_of(path):
            if re.search(r"\bHTTP_METADATA\b", line):
                yield f"{where(path, number)}: only aws reaches metadata"


def symbols(build):
    """An external symbol is named after its file."""
    for path in sources(".c"):
        built = ROOT / build / path.relative_to(ROOT).with_suffix(".o")
        if not built.exists():
            yield f"{where(path)}: {built} is not built"
            continue
        out = subprocess.run(["nm", "-g", "--defined-only", built],
                             capture_output=True, text=True, check=True).stdout
        for line in out.splitlines():
            kind, name = line.split()[-2:]
            if kind not in "TDBRVC" or name == "main" or name.startswith("__"):
                continue
            if not owned(path, name):
                yield f"{where(path)}: {name} is not named after its file"


def owned(path, name):
    """breaker_open is in breaker.c; store_sqlite_open in store_sqlite.c; a
    family of files (call_write.c, call_wait.c, gate.c) shares the first word
    of a private header of its module."""
    stem = path.stem
    first = stem.split("_")[0]
    words = {stem, stem + "s", first}
    for header in path.parent.glob("*_private.h"):
        words |= set(re.findall(r"\b([a-z]+)_[a-z_]+\(", header.read_text()))
    if path.parent.name == "cli":
        words |= {"cmd", "cli", "plan", "paint"}
    return any(name == w or name.startswith(w + "_") for w in words)


def declared_invariants():
    found = {}
    for path in sources(".h"):
        head = path.read_text().split("*/")[0]
        for number, line in enumerate(head.split("\n"), 1):
            match = re.match(r" \*   ([A-Z]{1,3}[0-9]+)  ?\S", line)
            if match:
                found.setdefault(match.group(1), where(path, number))
    for number in range(1, 15):
        found.setdefault(f"N{number}", "docs/architecture.md")
    return found


def cited_invariants():
    cited = set()
    for path in (ROOT / "tests" / "unit").glob("*.c"):
        for test in re.findall(r"\bTest\(\s*\w+\s*,\s*(\w+)",
                               path.read_text()) + re.findall(
                r"^BOTH\((\w+)\)", path.read_text(), re.M) + re.findall(
                r"\bParameterizedTest(?:Parameters)?\([^;{]*?\b((?:[A-Z]+[0-9]+_)+\w+)",
                path.read_text()):
            cited |= set(re.findall(r"(?:^|_)([A-Z]{1,3}[0-9]+)(?=_|$)", test))
    for folder in ("integration", "torture"):
        for path in (ROOT / "tests" / folder).rglob("*.py"):
            text = path.read_text()
            cited |= set(re.findall(r"\b(N[0-9]+)\b", text))
            cited |= set(re.findall(r"\(([A-Z]{1,3}[0-9]+)\)", text))
    return cited


def invariants_cited():
    cited = cited_invariants()
    for name, place in sorted(declared_invariants().items()):
        if name not in cited:
            yield f"{place}: no test's name cites {name}"


def formatted():
    files = [str(p) for p in sources(".c", ".h")]
    files += [str(p) for p in (ROOT / "tests").rglob("*.[ch]")]
    run = subprocess.run(["clang-format", "--dry-run", "-Werror"] + files,
                         capture_output=True, text=True, cwd=ROOT)
    for name in sorted(set(re.findall(r"^(\S+?):\d+:\d+: error",
                                      run.stderr, re.M))):
        yield f"{name}: make format"


def generated_docs():
    """docs/effects.md is what its lists say."""
    if effects_page.PAGE.read_text() != effects_page.page():
        yield f"{where(effects_page.PAGE)}: make docs"


def speaks_of_itself():
    """No path of anybody's machine."""
    words = r"(^|[^a-zA-Z0-9_.])/(root|home|Users)/[a-z]"
    run = subprocess.run(["git", "grep", "-nIE", words, "--", ".",
                          ":!tests/lint"], capture_output=True, text=True,
                         cwd=ROOT)
    yield from (line for line in run.stdout.splitlines() if line)


def luacheck():
    run = subprocess.run(["luacheck", "-q", "scripts", "tests/spec"],
                         capture_output=True, text=True, cwd=ROOT)
    if run.returncode:
        yield run.stdout.strip()


def scripts_check(build):
    run = subprocess.run([ROOT / build / "nightshift", "check", "scripts"],
                         capture_output=True, text=True, cwd=ROOT)
    if run.returncode:
        yield run.stdout.strip()


def documented(build):
    """Every command is in the README, every fixture world is named."""
    readme = (ROOT / "README.md").read_text() \
        if (ROOT / "README.md").exists() else ""
    run = subprocess.run([ROOT / build / "nightshift", "help"],
                         capture_output=True, text=True, cwd=ROOT)
    for command in re.findall(r"^  ([a-z]+)\b", run.stdout, re.M):
        if f"nightshift {command}" not in readme and command != "help":
            yield f"README.md: says nothing of nightshift {command}"


RULES = [layers, contained_libraries, private_headers, one_noun_a_file,
         head_comments, no_leftovers, one_way_into_lua, no_programs,
         metadata_reach, symbols,
         invariants_cited, formatted, speaks_of_itself, luacheck,
         scripts_check, documented, generated_docs]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    build = parser.parse_args().build
    failed = 0
    for rule in RULES:
        takes_build = rule.__code__.co_argcount == 1
        found = list(rule(build) if takes_build else rule())
        failed += bool(found)
        for finding in found:
            print(f"{rule.__name__}: {finding}")
    print(f"{len(RULES) - failed} passed, {failed} failed, 0 skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
