"""Target packs: they add a language, see what is documented, and cannot get out of their folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen import emit, packs, pipeline, render, routing
from codegen.canonical import fingerprint
from codegen.emit import Cause, Kind
from codegen.inputs import InputError
from codegen.ir import Registry
from codegen.options import Options
from codegen.packs import PackError
from codegen.quote import Raw, Style
from codegen.render import Artifact
from codegen.sandbox import budget
from codegen.sandbox.filters import Filters
from codegen.targets import TARGETS, neutral, owner, pages
from tests.builds import ROOT
from tests.languages import Json
from tests.packs import HEAD, RUST, TINY, pack_at, with_pack, write_pack
from tests.strategies import HOSTILE, HOSTILE_PIECES, manifest, provider
from tests.test_docs import DOCS, bare, read, rows, sections

PAGE = DOCS / "target-packs.md"


def _text(registry: Registry, folder: Path) -> str:
    """Return the first file that a pack makes."""
    return _artifacts(registry, folder)[0].text


def _artifacts(registry: Registry, folder: Path) -> tuple[Artifact, ...]:
    asked = with_pack(folder / "out", pack_at(folder))
    return render.render(pages(registry, asked))


def _body(registry: Registry, folder: Path, template: str) -> str:
    """Return what a template prints behind its head."""
    write_pack(folder, TINY, {"out.txt.j2": HEAD + template})
    return _text(registry, folder).split("\n", 3)[3]


# descriptions

GOOD = """\
view = 1
name = "tiny"
ignored = ["target"]

[quoting]
style = "braced"

[files]
"out.txt" = "out.txt.j2"

[options]
colour = "red"
"""

# what is replaced -> what stands there instead, and the complaint with its line
DESCRIPTIONS = {
    "misspelt key": ("ignored =", "ignroed =", ':3: a target has no key "ignroed"'),
    "misspelt key of a table": ("style =", "stile =", ':6: quoting of a target has no key "stile"'),
    "no view": ("view = 1\n", "", ": a target lacks view"),
    "no style": ('style = "braced"', "", ":5: quoting of a target lacks style"),
    "another view": ("view = 1", "view = 2", ":1: view is not what it must be"),
    "view that is true": ("view = 1", "view = true", ":1: view is not what it must be"),
    "name in capitals": ('"tiny"', '"Tiny"', ":2: name is not what it must be"),
    "name that climbs": ('"tiny"', '"../tiny"', ":2: name is not what it must be"),
    "name that is absolute": ('"tiny"', '"/tiny"', ":2: name is not what it must be"),
    "name of a folder below": ('"tiny"', '"a/b"', ":2: name is not what it must be"),
    "empty name": ('"tiny"', '""', ":2: name is not what it must be"),
    "name of a device": ('"tiny"', '"nul"', ':2: "nul" cannot be a folder'),
    "name of a built-in target": ('"tiny"', '"go"', ':2: the name "go" is taken'),
    "name of what is beside": ('"tiny"', '"data"', ':2: the name "data" is taken'),
    "unknown style": ('"braced"', '"curly"', ":6: style is not what it must be"),
    "mark that is no mark": (
        'style = "braced"',
        'style = "braced"\nmark = "<"',
        ":7: mark is not what it must be",
    ),
    "shell in double quotes": (
        'style = "braced"',
        'style = "shell"\nmark = \'"\'',
        ":7: a shell takes everything as it is",
    ),
    "escape in a style without": (
        'style = "braced"',
        'style = "doubled"\nalso = "$"',
        ':7: the style "doubled" has no escapes',
    ),
    "list that is a text": ('["target"]', '"target"', ":3: ignored is not what it must be"),
    "ignored path": ('["target"]', '["a/b"]', ':3: "a/b" cannot stand in ignored'),
    "option that is a number": ('"red"', "3", ":12: options is not what it must be"),
    "option with a line end": ('"red"', '"a\\nb"', ":12: options is not what it must be"),
    "option of an odd name": ("colour", '"Co-lour"', ':12: "Co-lour" cannot stand in options'),
    "no files": ('"out.txt" = "out.txt.j2"', "", ":8: files is not what it must be"),
    "files in a list": (
        '[files]\n"out.txt" = "out.txt.j2"',
        'files = ["out.txt.j2"]',
        ": a target lacks files",
    ),
    "missing template": ('"out.txt.j2"', '"no.j2"', ':9: the template "no.j2" is not there'),
    "syntax": ("view = 1", "view = = 1", ":1: this is not TOML: Invalid value"),
    "unclosed text": ('"red"', '"""red', ":13: this is not TOML: "),
    "key twice": ("view = 1", "view = 1\nview = 1", ":2: this is not TOML: "),
    "key behind a text of lines": (
        "view = 1",
        'view = 1\nextra = """\nname = 1\n"""',
        ':2: a target has no key "extra"',
    ),
    "dotted key": (
        'style = "braced"',
        'style = "braced"\na.b = 1',
        ":7: quoting of a target has no",
    ),
    "unknown table": ("[options]", "[optoins]", ':11: a target has no key "optoins"'),
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_faulty_description_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    old, new, complaint = DESCRIPTIONS[name]
    assert GOOD.count(old) == 1
    folder = write_pack(tmp_path / "pack", GOOD.replace(old, new))
    with pytest.raises(PackError) as refused:
        pack_at(folder)
    assert refused.value.message.startswith(f"{folder}/target.toml{complaint}")
    assert refused.value.hint


def test_description_that_is_fine_is_read_whole(tmp_path: Path) -> None:
    pack = pack_at(write_pack(tmp_path / "pack", GOOD))
    assert (pack.name, pack.quoting.style, pack.ignored) == ("tiny", Style.BRACED, ("target",))
    assert [(file.path, file.template) for file in pack.files] == [("out.txt", "out.txt.j2")]
    assert pack.options == (("colour", "red"),)


def test_line_ends_of_windows_do_not_shift_lines(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack", "")
    text = GOOD.replace("ignored", "ignroed").replace("\n", "\r\n")
    (folder / "target.toml").write_bytes(text.encode())
    with pytest.raises(PackError, match=r"target\.toml:3: "):
        pack_at(folder)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\xe9", "is not UTF-8"),
        (b"#" * (1 << 21), "has more than 1,048,576 bytes"),
        (b"\n" * 2_000, "has more than 1,000 lines"),
        (b"a = " + b"[" * 100_000, "this is not TOML"),
        (b"", "lacks view"),
    ],
    ids=["bytes", "large", "long", "deep", "empty"],
)
def test_unreadable_description_is_refused(data: bytes, complaint: str, tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack", "")
    (folder / "target.toml").write_bytes(data)
    with pytest.raises(PackError, match=complaint):
        pack_at(folder)


def test_folder_without_a_description_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"target\.toml is not there"):
        pack_at(tmp_path)


# out of the folder

ESCAPES = [
    "../out.txt",
    "a/../../out.txt",
    "..",
    ".",
    "a/./b",
    "/etc/out.txt",
    "//server/share",
    "C:/out.txt",
    "C:out.txt",
    "a\\\\b",
    "..\\\\out.txt",
    "a//b",
    "a/",
    "~/out.txt",
    "a b",
    "a:b",
    "é.txt",
    "a\\u202eb",
    "a\\u0000b",
    "CON",
    "a/aux.txt",
    "com1.rs",
    "a.",
    "...",
    "x" * 101,
    "/".join(["deep"] * 50),
]


@pytest.mark.parametrize("path", ESCAPES)
def test_file_cannot_be_written_out_of_the_folder(path: str, tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack", GOOD.replace('"out.txt" =', f'"{path}" ='))
    with pytest.raises(PackError, match=r"target\.toml:9: .* is no path"):
        pack_at(folder)


@pytest.mark.parametrize("path", ESCAPES)
def test_template_cannot_be_read_from_outside(path: str, tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack", GOOD.replace('"out.txt.j2"', f'"{path}"'))
    (tmp_path / "out.txt").write_text(HEAD + "secret", encoding="utf-8")
    with pytest.raises(PackError, match=r"target\.toml:9: (the template|files is not)"):
        pack_at(folder)


@pytest.mark.parametrize(
    "others",
    ["OUT.TXT", "out.txt/below"],
)
def test_files_that_would_be_one_somewhere_are_refused(others: str, tmp_path: Path) -> None:
    second = f'"out.txt" = "out.txt.j2"\n"{others}" = "out.txt.j2"'
    text = GOOD.replace('"out.txt" = "out.txt.j2"', second)
    with pytest.raises(PackError, match=r"target\.toml:10: .* cannot both be files"):
        pack_at(write_pack(tmp_path / "pack", text))


@pytest.mark.parametrize("link", ["out.txt.j2", "deep"])
def test_symbolic_link_among_the_templates_is_refused(link: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "out.txt.j2").write_text(HEAD, encoding="utf-8")
    folder = write_pack(tmp_path / "pack", TINY)
    if link == "deep":
        (folder / "deep").symlink_to(outside)
        (folder / "target.toml").write_text(TINY.replace('"out.txt.j2"', '"deep/out.txt.j2"'))
    else:
        (folder / link).unlink()
        (folder / link).symlink_to(outside / "out.txt.j2")
    with pytest.raises(PackError, match="is a symbolic link"):
        pack_at(folder)


@pytest.mark.parametrize("tag", ['include "{}"', 'import "{}" as m', 'from "{}" import m'])
@pytest.mark.parametrize("path", ["../secret", "/etc/hostname", "link", "a/../../secret", "no.j2"])
def test_template_cannot_take_in_what_is_outside(
    tag: str, path: str, registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    template = HEAD + "\n{% " + tag.format(path) + " %}\n"
    folder = write_pack(tmp_path / "pack", TINY, {"out.txt.j2": template})
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(PackError, match=r'out\.txt\.j2:5: the template ".*" is '):
        _text(registry, folder)


def _written(registry: Registry, asked: Options) -> None:
    emit.write(pipeline.trees(registry, asked), fingerprint(registry))


@pytest.mark.parametrize("is_ours", [True, False])
def test_link_in_the_output_leads_no_write_astray(
    is_ours: bool, registry: Registry, tmp_path: Path
) -> None:
    """Of a folder it is refused; a link to a file is replaced, and the file left as it is."""
    asked = with_pack(tmp_path / "out", pack_at(write_pack(tmp_path / "pack", TINY)))
    victim = tmp_path / "victim"
    victim.mkdir()
    text = "# Code generated by providers-codegen from x. DO NOT EDIT.\n" if is_ours else "mine\n"
    (victim / "out.txt").write_text(text, encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tiny").symlink_to(victim)
    with pytest.raises(emit.RefusedError, match="tiny"):
        _written(registry, asked)
    (tmp_path / "out" / "tiny").unlink()
    (tmp_path / "out" / "tiny").mkdir()
    (tmp_path / "out" / "tiny" / "out.txt").symlink_to(victim / "out.txt")
    if is_ours:
        _written(registry, asked)
        assert not (tmp_path / "out" / "tiny" / "out.txt").is_symlink()
    else:
        with pytest.raises(emit.RefusedError):
            _written(registry, asked)
    assert [path.name for path in victim.iterdir()] == ["out.txt"]
    assert (victim / "out.txt").read_text(encoding="utf-8") == text


# what a template can say

FORBIDDEN = {
    "{{ ''.__class__ }}": 'a text has no "__class__"',
    "{{ runtimes.__class__ }}": 'a list has no "__class__"',
    "{{ runtimes[0].__class__ }}": 'the runtime has no "__class__"',
    "{{ runtimes[0]['__class__'] }}": 'the runtime has no "__class__"',
    "{{ runtimes[0].__init__.__globals__ }}": 'the runtime has no "__init__"',
    "{{ header.__reduce__() }}": 'the header has no "__reduce__"',
    "{{ header.nothing }}": 'the header has no "nothing"',
    "{{ options.items() }}": 'the table has no "items"',
    "{{ fingerprint.upper() }}": 'a text has no "upper"',
    "{{ runtimes[0].name[0] | quote }}": 'a text has no "0"',
    "{{ runtimes[999] }}": "the list has no item 999",
    "{{ fingerprint.format(1) }}": 'a text has no "format"',
    "{{ '%s' % 1 }}": 'it has no "%"',
    "{{ 'a' * 9 }}": 'it has no "*"',
    "{{ 'a' ~ 'b' }}": 'it has no "~"',
    "{{ 'a' + 'b' }}": 'it has no "+"',
    "{{ fingerprint[:1] }}": 'it has no "[:]"',
    "{{ [1] }}": 'it has no "[]"',
    "{{ {} }}": 'it has no "{}"',
    "{{ -schema_version }}": "it has no",
    "{% set x = 1 %}": 'it has no "set"',
    "{% set x %}y{% endset %}": 'it has no "set"',
    "{% with x = 1 %}{% endwith %}": 'it has no "with"',
    "{% block x %}{% endblock %}": 'it has no "block"',
    "{% extends 'out.txt.j2' %}": 'it has no "extends"',
    "{% filter quote %}{% endfilter %}": 'it has no "filter"',
    "{% macro m() %}{% endmacro %}{% call m() %}{% endcall %}": 'it has no "call"',
    "{% for r in runtimes recursive %}{% endfor %}": "a loop cannot call itself",
    "{% include header.marker %}": "by its name in quotation marks",
    "{% include ['a', 'b'] %}": "by its name in quotation marks",
    "{% include 'no.j2' ignore missing %}": "by its name in quotation marks",
    "{{ 'a' in fingerprint }}": "cannot search",
    "{{ self }}": "jinja2 has this name for itself",
    "{% macro m() %}{{ varargs }}{% endmacro %}": "jinja2 has this name for itself",
    "{{ range(9) }}": 'nothing is called "range" here',
    "{{ lipsum() }}": 'nothing is called "lipsum" here',
    "{{ cycler }}": 'nothing is called "cycler" here',
    "{{ dict() }}": 'nothing is called "dict" here',
    "{{ runtims }}": 'nothing is called "runtims" here',
    "{{ runtims.x }}": 'nothing is called "runtims" here',
    "{{ runtims | quote }}": 'nothing is called "runtims" here',
    "{% for x in runtims %}{% endfor %}": 'nothing is called "runtims" here',
    "{% if runtims %}{% endif %}": 'nothing is called "runtims" here',
    "{% if runtims is none %}{% endif %}": 'nothing is called "runtims" here',
    "{{ header.marker() }}": "a text cannot be called",
    "{{ fingerprint | upper }}": "No filter named 'upper'",
    "{{ fingerprint | attr('x') }}": "No filter named 'attr'",
    "{{ fingerprint | format }}": "No filter named 'format'",
    "{{ runtimes is defined }}": "No test named 'defined'",
    "{{ none }}": "none cannot be printed",
    "{{ true }}": "yes or no cannot be printed",
    "{{ 1.5 }}": "the float cannot be printed",
    "{{ runtimes }}": "a list cannot be printed",
    "{{ runtimes[0] }}": "the runtime cannot be printed",
    "{{ header }}": "the header cannot be printed",
    "{{ options }}": "the table cannot be printed",
    "{{ runtimes[0].name }}": "this is text of the manifest",
    "{{ runtimes[0].name if true else '' }}": "this is text of the manifest",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(runtimes[0].name) }}": "text of the manifest",
    "{% for c in runtimes[0].name %}{{ c }}{% endfor %}": "a loop takes a list, and not a text",
    "{{ runtimes[0].menu | join }}": "join takes a list of source texts",
    "{{ runtimes[0].menu | join(',') }}": "join takes a list of source texts",
    "{{ runtimes | join }}": "join takes a list of source texts",
    "{{ runtimes | quote }}": "quote takes a text, and not the runtime",
    "{{ none | quote }}": "quote takes a text, and not none",
    "{{ 1 | quote }}": "quote takes a text, and not a number",
    "{{ 'a' | quote('curly') }}": 'there is no style "curly"',
    "{{ 'a' | quote(1, 2) }}": "positional arguments",
    "{{ '\\u0001' | quote('doubled') }}": 'the style "doubled" cannot spell U+0001',
    "{{ '-' | snake }}": "has no letter or digit",
    "{{ 'a' | hex }}": "hex takes a number",
    "{{ 'a' | length }}": "length takes a list",
    "{% for x in 3 %}{% endfor %}": "a loop takes a list, and not a number",
    "{% for a, b in runtimes %}{% endfor %}": "unpack",
    "{% if none < 3 %}{% endif %}": "'<' not supported",
    "{% macro m() %}{% endmacro %}{{ m(1) }}": "takes not more than 0 argument",
    "{% macro m() %}{% endmacro %}{{ m.name }}": 'the macro has no "name"',
    "{% for r in runtimes %}{{ loop.cycle('a') }}{% endfor %}": 'context has no "cycle"',
    "{% for r in runtimes %}{{ loop(1) }}{% endfor %}": "cannot be called",
    "{% for r in runtimes %}": "Unexpected end of template",
    "{{ }}": "Expected an expression",
    "{% nosuch %}": "unknown tag 'nosuch'",
    "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}": "nested too deeply",
    "{{ " + "1 and " * 5_000 + "1 }}": "nested too deeply",
    "{% if 1 %}" * 200 + "{% endif %}" * 200: "nested too deeply",
    "{% for r in runtimes %}" * 25 + "{% endfor %}" * 25: "nested too deeply",
    "{% macro m(a, a) %}{% endmacro %}": "two arguments have one name",
    "{% macro m(a) %}{% endmacro %}{{ m(a=1, a=2) }}": "two arguments have one name",
    "{{ '\\ud800' }}": "half of a character",
    "{{ '\\ud800' | quote }}": "half of a character",
    "{{ " + "1" * 5_000 + " }}": "Exceeds the limit",
}


@pytest.mark.parametrize("template", FORBIDDEN, ids=lambda text: str(text)[:60])
def test_template_that_says_more_than_it_may_is_refused_with_its_line(
    template: str, registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(PackError) as refused:
        _body(registry, tmp_path / "pack", "\n" + template + "\n")
    found = re.fullmatch(r".*/pack/out\.txt\.j2:(\d+): (.*)", refused.value.message)
    assert found is not None, refused.value.message
    assert FORBIDDEN[template] in found[2]
    # A tree that cannot be parsed has no line; what is never closed misses its end there.
    expected = {"5", "1"} if "(((" in template or "111" in template else {"5", "6"}
    assert found[1] in expected
    assert refused.value.hint


def test_fault_in_a_macro_of_another_template_is_placed_there(
    registry: Registry, tmp_path: Path
) -> None:
    parts = {
        "out.txt.j2": HEAD + "{% import 'deep/m.j2' as m %}\n{{ m.name(runtimes[0]) }}\n",
        "deep/m.j2": "\n\n{% macro name(x) %}\n{{ x.nmae }}\n{% endmacro %}",
    }
    folder = write_pack(tmp_path / "pack", TINY, parts)
    with pytest.raises(PackError) as refused:
        _text(registry, folder)
    assert refused.value.message == f'{folder}/deep/m.j2:4: the runtime has no "nmae"'
    assert refused.value.hint == 'did you mean "name"?'


ALLOWED = {
    "{{ schema_version }}": "1",
    "{{ '{{' }}": "{{",
    "{{ 'a' if schema_version == 1 else 'b' }}": "a",
    "{{ options.colour | quote }}": '"red"',
    "{% for r in runtimes if r.name == 'codex' %}{{ r.name | pascal }}{% endfor %}": "Codex",
    "{% for n in ('b', 'a') %}{{ loop.index }}{{ n }}{% endfor %}": "1b2a",
    "{{ ('a', 'b') | quote | join(', ') }}": '"a", "b"',
    "{{ runtimes | length }}": "5",
    "{{ white_space[0] | hex }}{{ white_space[5] | hex }}": "920",
    "{% if providers[0].tooltip is none %}none{% endif %}": "none",
    "{% import 'm.j2' as m %}{{ m.twice('a') }}": "aa",
    "{% from 'm.j2' import twice %}{{ twice('a') }}": "aa",
    "{% include 'part.j2' %}": "5 runtimes",
    "{{ 'type' | snake }} {{ 'a-b' | camel }} {{ 'a-b' | constant }}": "type_ aB A_B",
    "{{ '9 lives' | snake }}": "_9_lives",
    "{{ 'end */ it' | comment }}": "end * / it",
    "{{ 'é' | quote('octal') }}{{ '\\u2028' | quote('octal') }}": '"é""\\342\\200\\250"',
}


@pytest.mark.parametrize("template", ALLOWED)
def test_template_says_what_it_may(template: str, registry: Registry, tmp_path: Path) -> None:
    parts = {
        "out.txt.j2": HEAD + template,
        "m.j2": "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}",
        "part.j2": "{{ runtimes | length }} runtimes",
    }
    text = GOOD.replace('ignored = ["target"]', 'reserved = ["type"]')
    folder = write_pack(tmp_path / "pack", text, parts)
    assert _text(registry, folder).split("\n", 3)[3] == ALLOWED[template]


def _looped(depth: int, body: str) -> str:
    return "{% for a in providers %}" * depth + body + "{% endfor %}" * depth


_DOUBLING = "".join(
    "{% macro m" + str(n + 1) + "() %}{{ m" + str(n) + "() }}{{ m" + str(n) + "() }}{% endmacro %}"
    for n in range(40)
)
RUNAWAY = {
    "loops inside of loops": (_looped(8, ""), "steps"),
    "loops that print": (_looped(8, "x" * 100_000), "characters"),
    "macros that double": ("{% macro m0() %}x{% endmacro %}" + _DOUBLING + "{{ m40() }}", "steps"),
    "text that doubles": (
        "{% macro d(x) %}{{ x }}{{ x }}{% endmacro %}{{ " + "d(" * 40 + "'x'" + ")" * 40 + " }}",
        "characters",
    ),
    "quotes that double": ("{{ '\"' | " + "quote | " * 50 + "quote }}", "characters"),
    "macro that calls itself": (
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "without end",
    ),
    "template that takes in itself": ("{% include 'out.txt.j2' %}", "without end"),
    "lists that are quoted again and again": (
        _looped(4, "{{ credential_env_names | quote | length }}"),
        "characters",
    ),
}


@pytest.mark.parametrize("name", RUNAWAY)
def test_runaway_template_is_stopped(name: str, registry: Registry, tmp_path: Path) -> None:
    template, complaint = RUNAWAY[name]
    started = time.perf_counter()
    with pytest.raises(PackError, match=complaint) as refused:
        _body(registry, tmp_path / "pack", template)
    assert re.search(r"out\.txt\.j2:\d+: ", refused.value.message)
    assert time.perf_counter() - started < 20


def test_templates_that_take_in_each_other_twice_are_stopped(
    registry: Registry, tmp_path: Path
) -> None:
    """Thirty templates of one line each would otherwise print a thousand million texts."""
    parts = {
        f"p{n}.j2": f"{{% include 'p{n + 1}.j2' %}}{{% include 'p{n + 1}.j2' %}}" for n in range(30)
    }
    parts |= {"p30.j2": "", "out.txt.j2": HEAD + "{% include 'p0.j2' %}"}
    folder = write_pack(tmp_path / "pack", TINY, parts)
    with pytest.raises(PackError, match=r"it takes more than .* steps"):
        _text(registry, folder)


_EXPRESSIONS = (
    "runtimes", "runtimes[0]", "runtimes[-1].name", "x", "x.name", "none", "1", "'a'", "loop",
    "loop.index", "m", "m(1)", "m(x=1, y=2)", "options", "options.colour", "header.digest",
    "(1, 'a')", "not x", "x and 1", "x == 1", "1 < 'a'", "none < 1", "x is none", "providers[3]",
    "1 if x else none", "1 if x", "x[1:2]", "-1", "x in 'a'", "caller()", "self", "''", "'\\0'",
    "x.y.z", "x()", "x[0]()", "[]", "white_space", "''.join", "namespace(a=1)",
)  # fmt: skip
_FILTERS = ("quote", "quote('octal')", "quote(1)", "comment", "snake", "join", "join(1)", "hex",
            "length", "upper", "camel", "join(x)")  # fmt: skip
_PIECES = st.recursive(
    st.one_of(
        st.builds(
            lambda e, fs: "{{ " + " | ".join([e, *fs]) + " }}",
            st.sampled_from(_EXPRESSIONS),
            st.lists(st.sampled_from(_FILTERS), max_size=3),
        ),
        st.sampled_from(
            ["{% include 'out.txt.j2' %}", "{% import 'out.txt.j2' as m %}", "{{", "%}"]
        ),
        HOSTILE,
    ),
    lambda inner: st.one_of(
        st.builds(
            "{{% for x in {} %}}{}{{% endfor %}}".format, st.sampled_from(_EXPRESSIONS), inner
        ),
        st.builds(
            "{{% for x, m in {} %}}{}{{% endfor %}}".format, st.sampled_from(_EXPRESSIONS), inner
        ),
        st.builds(
            "{{% if {} %}}{}{{% else %}}{}{{% endif %}}".format,
            st.sampled_from(_EXPRESSIONS),
            inner,
            inner,
        ),
        st.builds(
            "{{% macro m(x, y={}) %}}{}{{% endmacro %}}{{{{ m(1) }}}}".format,
            st.sampled_from(_EXPRESSIONS),
            inner,
        ),
        st.builds("{}{}".format, inner, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(template=_PIECES)
def test_whatever_a_template_says_it_is_printed_or_refused_with_its_line(
    template: str, everything: Registry, tmp_path: Path
) -> None:
    """Nothing else comes out of it, least of all a traceback."""
    folder = write_pack(tmp_path / "pack", GOOD, {"out.txt.j2": HEAD + template})
    said = ""
    try:
        assert _text(everything, folder)
    except PackError as refused:
        said = refused.message
    assert not said or re.match(r".*/pack/out\.txt\.j2:\d+: .", said, flags=re.DOTALL)


HEADLESS = {
    "nothing": "",
    "no digest": "# {{ header.marker }}\n",
    "no marker": "# {{ header.digest }}\n",
    "both far below": "#\n" * 600 + HEAD,
    "another digest first": "# sha256:0123456789abcdef\n" + HEAD,
}


@pytest.mark.parametrize("name", HEADLESS)
def test_file_without_a_header_is_refused(name: str, registry: Registry, tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack", TINY, {"out.txt.j2": HEADLESS[name]})
    with pytest.raises(PackError, match=r"out\.txt\.j2:1: tiny/out\.txt would have no header"):
        _text(registry, folder)


# what a template sees


def _records(record: Any) -> Iterator[Any]:
    """Yield a record of the view and those that its fields hold, each once."""
    found, left = [record], [record]
    while left:
        for hint in get_type_hints(left.pop()).values():
            for part in (hint, *get_args(hint)):
                if is_dataclass(part) and part not in found:
                    found.append(part)
                    left.append(part)
    yield from found


RECORDS = {record.__name__: record for record in _records(neutral.View)}


def _heading(name: str) -> str:
    words = re.sub("(?=[A-Z])", " ", name).lower().strip()
    return "The view" if words == "view" else words.capitalize()


def _kind(hint: Any) -> str:
    """Return the words that the page has for a type."""
    simple: dict[object, str] = {Raw: "text", str: "word", int: "number", bool: "yes or no"}
    arguments = get_args(hint)
    if hint in simple:
        return simple[hint]
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return _heading(hint.__name__).lower()
    if type(None) in arguments:
        return f"{_kind(arguments[0])} or none"
    if getattr(hint, "__origin__", None) is Mapping:
        return f"table of {_kind(arguments[1])}s"
    item = _kind(arguments[0])
    return f"list of {item}s" if item in ("text", "number") else f"list of {item}"


@pytest.mark.parametrize("name", RECORDS)
def test_page_documents_exactly_the_view(name: str) -> None:
    table = rows(sections(read(PAGE))[_heading(name)])
    hints = get_type_hints(RECORDS[name])
    documented = [(bare(row[0]), row[1]) for row in table]
    assert documented == [(f.name, _kind(hints[f.name])) for f in fields(RECORDS[name])]


def test_page_has_no_table_of_a_record_that_is_not_there() -> None:
    text = read(PAGE).partition("## What a template sees")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### (.+)$", text, flags=re.MULTILINE)) == set(map(_heading, RECORDS))


def test_view_holds_no_pattern(registry: Registry, tmp_path: Path) -> None:
    assert not {name for record in RECORDS.values() for name in get_type_hints(record)} & {
        "pattern",
        "rules",
        "model_prefix_match",
    }


def test_rows_of_the_view_are_sorted_for_a_search_by_halves(tmp_path: Path) -> None:
    from tests.builds import registry_of

    entries = [
        provider("one", "^(?:a|ab|a-|aé|b)$", auth_env=["ONE_KEY"]),
        provider("two", "(?i)^(?:b|ba|BAB)", auth_env=["TWO_KEY"]),
    ]
    arms = [
        {"name": "one", "models": ["b", "ab", "a"], "withdrawn_models": ["b-", "aé", "a-"]},
        {"name": "two", "models": ["bz", "ba"]},
    ]
    registry = registry_of(manifest(entries, {"agent": {"providers": arms}}))
    pack = pack_at(write_pack(tmp_path, TINY))
    (runtime,) = neutral.view(registry, with_pack(tmp_path, pack), pack).runtimes
    tables = (runtime.listed, runtime.withdrawn, runtime.exact, runtime.prefixes)
    keys = [[row.key if isinstance(row, neutral.Row) else row.id for row in t] for t in tables]
    assert keys == [sorted(each) for each in keys]
    assert keys[2] == ["a", "a-", "ab", "aé", "b"]
    assert runtime.menu == ("b", "ab", "a", "bz", "ba")


def test_page_lists_every_key_style_and_filter(tmp_path: Path) -> None:
    parts = sections(read(PAGE))
    described = {bare(row[0]): row[1] == "yes" for row in rows(parts["The description"])}
    assert described == {name: key.is_required for name, key in packs.KEYS.items()}
    quoting = rows(parts["Quoting"])
    keys = {bare(row[0]): row[1] == "yes" for row in quoting if len(row) == 3}
    assert keys == {name: key.is_required for name, key in packs.QUOTING_KEYS.items()}
    styles = {bare(row[0]) for row in quoting if len(row) == 4}
    assert styles == set(Style)
    pack = pack_at(write_pack(tmp_path, TINY))
    named = {name for name in Filters(pack, budget.Budget).table() if " " not in name}
    assert {bare(row[0]) for row in rows(parts["What a template can say"])} == named


def test_page_states_the_limits() -> None:
    text = " ".join(read(PAGE).split())
    for most, more in (
        (budget.STEPS, budget.STEPS_PER_ENTRY),
        (budget.CHARACTERS, budget.CHARACTERS_PER_ENTRY),
    ):
        assert f"{most:,} and {more:,} more for each" in text
    assert packs.GROUP in text


def test_white_space_of_the_view_is_what_the_reference_trims() -> None:
    every = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x11_0000))))
    assert tuple(ord(char) for char in every if not routing.trim(char)) == neutral.WHITE_SPACE


def test_page_spells_as_the_styles_do() -> None:
    from codegen.quote import WITH_ESCAPES, Quoting

    table = {bare(row[0]): row for row in rows(sections(read(PAGE))["Quoting"]) if len(row) == 4}
    for style in WITH_ESCAPES:
        quoting = Quoting(style=style)
        shown = [bare(cell) for cell in table[style][1:3]]
        assert shown == [quoting.literal("\u2028")[1:-1], quoting.literal("\U0001f600")[1:-1]]


# drift


@pytest.fixture
def built(tmp_path: Path) -> Options:
    text = GOOD.replace('"out.txt" = "out.txt.j2"', '"out.txt" = "out.txt.j2"\n"b" = "b.j2"')
    body = HEAD + "# {{ fingerprint }}\n"
    folder = write_pack(tmp_path / "pack", text, {"out.txt.j2": body, "b.j2": HEAD})
    return with_pack(tmp_path / "out", pack_at(folder), *TARGETS, "tiny")


def _drift(registry: Registry, built: Options) -> dict[str, tuple[Kind, Cause]]:
    (tree,) = pipeline.trees(registry, built)
    found = emit.drift(tree, fingerprint(registry))
    return {each.path: (each.kind, each.cause) for each in found}


def test_every_drift_of_a_packs_files_is_found(registry: Registry, built: Options) -> None:
    _written(registry, built)
    assert _drift(registry, built) == {}
    folder = built.out / "tiny"
    with (folder / "out.txt").open("a", encoding="utf-8") as stream:
        stream.write("more\n")
    (folder / "mine.txt").write_text("mine\n", encoding="utf-8")
    (folder / "old.txt").write_bytes((folder / "b").read_bytes())
    (folder / "b").unlink()
    (folder / "target" / "debug").mkdir(parents=True)
    (folder / "target" / "debug" / "tiny.o").write_text("object", encoding="utf-8")
    assert _drift(registry, built) == {
        "tiny/out.txt": (Kind.CHANGED, Cause.HAND),
        "tiny/b": (Kind.MISSING, Cause.ABSENT),
        "tiny/mine.txt": (Kind.EXTRA, Cause.FOREIGN),
        "tiny/old.txt": (Kind.EXTRA, Cause.LEFT_OVER),
    }
    _written(registry, built)
    assert _drift(registry, built) == {"tiny/mine.txt": (Kind.EXTRA, Cause.FOREIGN)}
    assert (folder / "target" / "debug" / "tiny.o").is_file()


def test_changed_template_and_changed_manifest_are_told_apart(
    registry: Registry, built: Options, tmp_path: Path, manifest_text: str
) -> None:
    from tests.builds import registry_of

    _written(registry, built)
    (tmp_path / "pack" / "b.j2").write_text(HEAD + "# more\n", encoding="utf-8")
    assert _drift(registry, built) == {"tiny/b": (Kind.CHANGED, Cause.TEMPLATES)}
    edited = registry_of(manifest_text.replace("display_name: Groq", "display_name: Groq!"))
    assert _drift(edited, built)["tiny/out.txt"] == (Kind.CHANGED, Cause.MANIFEST)


def test_pack_that_is_asked_for_alone_looks_at_its_folder_alone(
    registry: Registry, built: Options
) -> None:
    _written(registry, replace(built, targets=("tiny",)))
    assert sorted(path.name for path in built.out.iterdir()) == ["tiny"]
    (built.out / "go").mkdir()
    (built.out / "go" / "mine.txt").write_text("mine", encoding="utf-8")
    assert _drift(registry, replace(built, targets=("tiny",))) == {}
    assert _drift(registry, replace(built, targets=("go",)))["go/mine.txt"]


def test_pack_that_is_given_up_leaves_files_that_generate_removes(
    registry: Registry, built: Options
) -> None:
    _written(registry, built)
    without = replace(built, packs=(), targets=tuple(TARGETS))
    left_over = (Kind.EXTRA, Cause.LEFT_OVER)
    assert _drift(registry, without) == {"tiny/out.txt": left_over, "tiny/b": left_over}
    _written(registry, without)
    assert not (built.out / "tiny").exists()


def test_each_path_has_an_owner(built: Options) -> None:
    owners = {
        "go/go.mod": "go",
        "registry.json": "data",
        "tiny": "data",
        "other/x": "data",
        "tiny/out.txt": "tiny",
        "tiny/target/x": None,
        "tiny/a/target": None,
    }
    assert {path: owner(path, built) for path in owners} == owners


# options


def test_option_is_set_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    pack = pack_at(write_pack(tmp_path, GOOD))
    (changed,) = packs.with_options([pack], ["tiny.colour=a=b"])
    assert changed.options == (("colour", "a=b"),)
    for wrong, complaint in (
        ("tiny.color=x", 'tiny has no option "color"'),
        ("tinny.colour=x", 'no pack adds a target "tinny"'),
    ):
        with pytest.raises(InputError, match=complaint) as refused:
            packs.with_options([pack], [wrong])
        assert refused.value.hint.startswith("did you mean")


# the command line


@pytest.fixture
def project(tmp_path: Path) -> Path:
    entry = provider("acme", "^acme-", auth_env=["ACME_KEY"])
    arms = {"agent": {"providers": [{"name": "acme", "models": ["acme-1"]}]}}
    (tmp_path / "providers.yaml").write_text(manifest([entry], arms), encoding="utf-8")
    write_pack(tmp_path / "packs" / "tiny", GOOD)
    return tmp_path


def cli(
    project: Path, *arguments: str, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    places = [str(ROOT), *([str(path)] if path is not None else [])]
    done = subprocess.run(
        [sys.executable, "-m", "codegen", *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr + done.stdout
    return done


def _configure(project: Path, *lines: str) -> None:
    text = "\n".join(["[tool.providers-codegen]", *lines, ""])
    (project / "pyproject.toml").write_text(text, encoding="utf-8")


def test_setting_names_packs_relative_to_its_file(project: Path) -> None:
    _configure(
        project, 'target-packs = ["packs/tiny"]', 'target-options = ["tiny.colour=from the file"]'
    )
    template = project / "packs" / "tiny" / "out.txt.j2"
    template.write_text(HEAD + "{{ options.colour | quote }}\n", encoding="utf-8")
    (project / "inner").mkdir()
    assert cli(project / "inner", "generate").returncode == 0
    made = project / "generated" / "tiny" / "out.txt"
    assert made.read_text(encoding="utf-8").endswith('\n"from the file"\n')
    assert (project / "generated" / "go" / "go.mod").is_file()
    assert cli(project / "inner", "verify").returncode == 0
    other = ["--target", "tiny", "--target-option", "tiny.colour=from the flag"]
    assert cli(project, "verify", *other).returncode == 1
    assert cli(project, "generate", *other).returncode == 0
    assert made.read_text(encoding="utf-8").endswith('\n"from the flag"\n')


@pytest.mark.parametrize("command", ["generate", "verify"])
@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--target-pack", "packs/no"], 2, "error: packs/no/target.toml is not there"),
        (["--target-pack", "providers.yaml"], 2, "error: providers.yaml/target.toml is not there"),
        (["--target-pack", "x" * 300], 2, "/target.toml cannot be read: File name too long"),
        (["--target-pack", ".."], 2, "error: ../target.toml is not there"),
        (["--target-pack", "packs/bad"], 2, "error: packs/bad/out.txt.j2:4: nothing is called"),
        (["--target-pack", "packs/odd"], 2, "error: packs/odd/target.toml:1: a target has no key"),
        (
            ["--target-pack", "packs/tiny", "--target-pack", "packs/tiny"],
            2,
            'error: packs/tiny/target.toml:2: the name "tiny" is taken',
        ),
        (["--target-pack", "entry-point:rust"], 2, 'offers a target "rust"'),
        (["--target-option", "tiny.colour=x"], 2, 'no pack adds a target "tiny"'),
        (["--target-option", "colour"], 2, "is not a list of TARGET.OPTION=VALUE"),
        (["--target", "tiny"], 3, "error: --target: 'tiny' is not one of 'python', 'go'"),
        (
            ["--target-pack", "packs/tiny", "--target", "tyny"],
            3,
            'help: did you mean "tiny"?',
        ),
    ],
)
def test_faulty_pack_ends_with_one_line_and_nothing_is_written(
    project: Path, command: str, arguments: list[str], code: int, complaint: str
) -> None:
    write_pack(
        project / "packs" / "bad",
        TINY,
        {"out.txt.j2": HEAD + "{{ providres }}"},
    )
    write_pack(project / "packs" / "odd", "views = 1\n" + TINY)
    done = cli(project, command, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert not (project / "generated").exists()


def test_faulty_pack_does_not_keep_the_manifest_from_being_checked(project: Path) -> None:
    _configure(project, 'target-packs = ["packs/no"]')
    assert cli(project, "check").returncode == 0
    assert cli(project, "verify").returncode == 2


def test_fault_of_a_pack_is_in_the_document(project: Path) -> None:
    import json

    done = cli(project, "verify", "--target-pack", "packs/no", "--format", "json")
    document: Json = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"]) == (2, 2)
    assert document["failure"]["message"] == "packs/no/target.toml is not there"


def test_without_a_pack_nothing_of_packs_is_imported(project: Path) -> None:
    assert cli(project, "generate").returncode == 0
    program = (
        "import sys; from codegen import cli; sys.argv = ['providers-codegen', 'verify']\n"
        "try: cli.run()\n"
        "except SystemExit as done: assert not done.code, done.code\n"
        "late = ('codegen.packs', 'codegen.sandbox', 'codegen.targets.neutral', "
        "'importlib.metadata', 'jinja2.sandbox')\n"
        "print([name for name in late if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_watch_follows_a_pack_even_while_it_is_broken(project: Path) -> None:
    from tests.test_watch import Watch

    pack = project / "packs" / "tiny"
    with Watch(project, "--target", "tiny", "--target-pack", "packs/tiny") as watch:
        watch.after(lambda: (pack / "out.txt.j2").write_text(HEAD + "more\n"))
        watch.until_file_says("more\n", "generated/tiny/out.txt")
        watch.after(lambda: (pack / "out.txt.j2").write_text(HEAD + "{{ nothing }}\n"))
        assert 'out.txt.j2:4: nothing is called "nothing" here' in watch.complaints
        watch.after(lambda: (pack / "target.toml").write_text("view = 3\n"))
        assert "target.toml:1: view is not what it must be" in watch.complaints
        (pack / "out.txt.j2").write_text(HEAD + "less\n")
        watch.after(lambda: (pack / "target.toml").write_text(GOOD))
        watch.until_file_says("less\n", "generated/tiny/out.txt")


def test_targets_of_packs_are_completed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    from codegen import completion

    def offered(begun: str, **given: object) -> list[str]:
        context = click.Context(click.Command("generate"))
        context.params = given
        parameter = click.Option(["--target"])
        return [item.value for item in completion.TARGET.shell_complete(context, parameter, begun)]

    monkeypatch.chdir(project)
    assert offered("t") == ["typescript"]
    assert offered("t", target_packs=("packs/tiny",)) == ["typescript", "tiny"]
    assert offered("", target_packs=("packs/no",)) == list(TARGETS)
    _configure(project, 'target-packs = ["packs/tiny"]')
    assert offered("ti") == ["tiny"]


# installed distributions


def _distribution(site: Path, name: str, value: str, entry: str = "tiny") -> None:
    """Install a distribution by hand: its metadata, and a package that must never be run."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{packs.GROUP}]\n{entry} = {value}\n")


def _package(site: Path, *parts: str) -> Path:
    folder = site.joinpath(*parts)
    write_pack(folder, GOOD)
    for depth in range(1, len(parts) + 1):
        init = site.joinpath(*parts[:depth]) / "__init__.py"
        init.write_text("raise SystemExit('this code must not be run')\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("value", ["acme_pack", "acme.packs.tiny"])
def test_installed_pack_is_found_by_its_name_and_its_code_is_not_run(
    value: str, project: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    _package(site, *value.split("."))
    _distribution(site, "acme", value)
    assert cli(project, "generate", path=site).returncode == 0
    assert not (project / "generated" / "tiny").exists()
    done = cli(project, "generate", "--target", "tiny", path=site)
    assert (done.returncode, done.stderr) == (0, "")
    assert (project / "generated" / "tiny" / "out.txt").is_file()
    _configure(project, 'target-packs = ["entry-point:tiny"]')
    assert cli(project, "verify", path=site).returncode == 0
    assert "is not one of" in cli(project, "verify", "--target", "tiny2", path=site).stderr
    near = cli(project, "verify", "--target-pack", "entry-point:tniy", path=site)
    assert (near.returncode, near.stderr.splitlines()[-1]) == (2, 'help: did you mean "tiny"?')


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ({"one": "acme_pack", "two": "other_pack"}, "is there more than once: acme_pack, other"),
        ({"one": "no_such_package"}, "names no_such_package, which is no package in a folder"),
        ({"one": "empty_pack"}, "empty_pack/target.toml is not there"),
    ],
)
def test_entry_point_that_leads_to_no_pack_is_refused(
    entries: dict[str, str], complaint: str, project: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    _package(site, "acme_pack")
    _package(site, "other_pack")
    (site / "empty_pack").mkdir()
    (site / "empty_pack" / "__init__.py").touch()
    for name, value in entries.items():
        _distribution(site, name, value)
    done = cli(project, "generate", "--target", "tiny", path=site)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert not (project / "generated").exists()


def test_entry_point_of_another_name_than_the_target_is_refused(
    project: Path, tmp_path: Path
) -> None:
    _package(tmp_path / "site", "acme_pack")
    _distribution(tmp_path / "site", "acme", "acme_pack", entry="other")
    done = cli(project, "generate", "--target", "other", path=tmp_path / "site")
    assert done.returncode == 2
    assert 'leads to the target "tiny"' in done.stderr


# the example


def test_example_pack_prints_every_hostile_piece_through_a_filter(tmp_path: Path) -> None:
    """That Rust gives them back is for test_rust_pack.py; here is that they can be printed."""
    from tests.builds import registry_of

    entry = provider("acme", "^acme", display_name="".join(HOSTILE_PIECES))
    registry = registry_of(manifest([entry], {"agent": {"providers": []}}))
    asked = with_pack(tmp_path / "out", pack_at(RUST))
    assert len(render.render(pages(registry, asked))) == 2
