"""The documentation, executed: what a page shows is what happens.

Every block of code on a page has a kind that says what a test does with it, so that
nothing escapes by having a new one:

- ``console`` — lines that begin with ``$`` are commands, and those with ``>`` right below go
  on with them. A shell runs them in a project that the page has for itself: a copy of
  providers.yaml, its artifacts, and a pyproject.toml. The lines after a command are its exact
  output, standard error included. The last command of
  the block exits with the code that the fence gives, as in ``console exit=2``; without one,
  and before the last command, that is 0. ``providers-codegen``, ``make`` and ``python3``
  stand for what `_COMMANDS` says.
- ``yaml file=NAME`` — is written into the project; as providers.yaml it is the manifest of
  the whole page. ``toml file=NAME`` and ``jinja file=NAME`` are written as well.
- ``yaml provider`` and ``yaml arm=RUNTIME`` — are put at the head of the project's providers,
  or of the arms of that runtime.
- ``pycon`` — a session at the Python prompt, with generated/python at hand; the blocks of a
  page are one session.
- ``python``, ``go``, ``ts`` — whole programs. The comments behind their calls of print say
  what they print.
- ``sh``, ``text``, ``toml``, ``yaml``, ``jinja`` — are shown, and not run.

`make snapshots` (pytest --snapshot-update) writes the real output of commands into the pages.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import codegen
from codegen import schema, tables
from codegen.canonical import fingerprint
from codegen.commands.build import generate
from codegen.config import SETTINGS
from codegen.console import FINE, INVALID, NO, USAGE
from codegen.ir import Registry
from codegen.patterns import PatternError, compile_pattern
from codegen.re2 import matches
from codegen.routing import Code
from codegen.rules import RULES
from tests import toolchains
from tests.builds import MANIFEST, ROOT, Build, build, registry_of
from tests.languages import needed, run, vectors

README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]

SHOWN = {"sh", "text", "toml", "yaml", "jinja"}
PROGRAMS = {"python", "go", "ts"}
EXECUTED = {"console", "pycon", *PROGRAMS}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())


# reading a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its kind, what stands after the kind, its text, and where that is."""

    kind: str
    info: str
    text: str
    start: int
    end: int

    def argument(self, name: str) -> str | None:
        """Return VALUE of a `name=VALUE` on the fence."""
        match = re.search(rf"(?:^| ){name}=(\S+)", self.info)
        return match[1] if match else None


_FENCE = re.compile(r"^```(\w*) ?(.*)\n((?s:.*?))^```$", flags=re.MULTILINE)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(text: str, *kinds: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        if not kinds or match[1] in kinds:
            yield Block(
                kind=match[1],
                info=match[2],
                text=match[3],
                start=match.start(3),
                end=match.end(3),
            )


def code(text: str) -> Iterator[str]:
    """Yield everything that a page sets as code: blocks, and spans in the text around them."""
    yield from (block.text for block in blocks(text))
    yield from re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))


def sections(text: str) -> dict[str, str]:
    """Return the text of each section by its heading, up to the next heading of any depth."""
    parts = re.split(r"^#+ (.+)$", _FENCE.sub("", text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    r"""Return the cells of the tables of a text, without heads; `\|` is a bar in a cell."""
    found = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    lines = [line for table in found for line in table.splitlines()[2:]]
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
    ]


def bare(cell: str) -> str:
    """Return a cell without the marks of code and of a link."""
    return re.sub(r"\[(.*)\]\(.*\)", r"\1", cell).strip("`")


# the project of a page

_COMMANDS = {
    "python3": [sys.executable],
    "providers-codegen": [sys.executable, "-m", "codegen"],
}
# What the targets of the Makefile run once the set-up is done.
_TARGETS = {
    "generate": ["providers-codegen", "generate"],
    "verify": ["providers-codegen", "verify"],
    "check": ["providers-codegen", "check"],
}

_PYPROJECT = """\
[tool.providers-codegen]
command = "make generate"
rule-pages = "docs/rules"
command-page = "docs/cli.md"
"""


def _script(path: Path, body: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def _add_commands(folder: Path) -> None:
    for name, command in _COMMANDS.items():
        _script(folder / name, f'exec {shlex.join(command)} "$@"')
    cases = "".join(f"  {name}) exec {shlex.join(to)} ;;\n" for name, to in _TARGETS.items())
    _script(folder / "make", f'case "$*" in\n{cases}  *) echo "no such target"; exit 9 ;;\nesac')


class Project:
    """A folder with a manifest and what is generated from it, and the commands of a page."""

    def __init__(self, folder: Path, manifest: str) -> None:
        self.folder = folder / "project"
        self.commands = folder / "commands"
        self.folder.mkdir()
        _add_commands(self.commands)
        (self.folder / "pyproject.toml").write_text(_PYPROJECT, encoding="utf-8")
        self.write("providers.yaml", manifest)
        assert self.run("providers-codegen generate").returncode == 0

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(self.commands), os.environ["PATH"]])
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=dict(os.environ)
            | {"PATH": path, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
            | {"COLUMNS": "80"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            encoding="utf-8",
        )

    def put_first(self, below: str, entry: str) -> None:
        """Put an entry at the head of the list that a line of the manifest begins."""
        manifest = (self.folder / "providers.yaml").read_text(encoding="utf-8")
        assert manifest.count(below) == 1, below
        self.write("providers.yaml", manifest.replace(below, below + entry))

    def take(self, block: Block) -> None:
        """Do with a block of YAML, or one that is a file, what its fence says."""
        name, runtime = block.argument("file"), block.argument("arm")
        if name is not None:
            self.write(name, block.text)
        elif runtime is not None:
            self.put_first(f"\n  {runtime}:\n    providers:\n", block.text)
        elif block.info == "provider":
            self.put_first("\nproviders:\n", block.text + "\n")
        else:
            assert not block.info, f"unknown info: {block.kind} {block.info}"


def manifest_of(text: str) -> str:
    """Return the manifest that a page is about: its own, or the repository's."""
    own = (b for b in blocks(text, "yaml") if b.argument("file") == "providers.yaml")
    return next((block.text for block in own), read(MANIFEST))


# commands


_COMMAND = re.compile(r"^\$ .*\n(?:> .*\n)*", flags=re.MULTILINE)


def _replayed(block: Block, project: Project, faults: list[str]) -> str:
    """Run the commands of a block; return what it should look like."""
    commands = _COMMAND.findall(block.text)
    assert commands, "a console block without a command"
    wanted = [FINE] * (len(commands) - 1) + [int(block.argument("exit") or FINE)]
    shown = []
    for command, code_wanted in zip(commands, wanted, strict=True):
        done = project.run(re.sub(r"^[$>] ", "", command, flags=re.MULTILINE))
        if done.returncode != code_wanted:
            faults.append(f"{command}exits with {done.returncode}, not {code_wanted}")
        # An editor takes white space at line ends away, so a page does without it.
        output = re.sub(r"[ \t]+$", "", done.stdout, flags=re.MULTILINE)
        shown.append(command + output)
    return "".join(shown)


def _replay(text: str, project: Project) -> tuple[str, list[str]]:
    """Return a page with the real output of its commands, and which exit codes are wrong."""
    parts, faults, at = [], list[str](), 0
    for block in blocks(text, "console", "yaml", "toml", "jinja"):
        if block.kind != "console":
            project.take(block)
            continue
        parts += [text[at : block.start], _replayed(block, project, faults)]
        at = block.end
    return "".join([*parts, text[at:]]), faults


@each_page
def test_commands_print_what_the_page_shows(
    page: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = read(page)
    replayed, faults = _replay(text, Project(tmp_path, manifest_of(text)))
    assert faults == []
    if request.config.option.update_snapshots and replayed != text:
        page.write_text(replayed, encoding="utf-8")
        text = replayed
    assert replayed == text


BROKEN = [
    ("$ echo right\nwrong\n", "", 0),
    ("$ echo right\n", "", 0),
    ("$ echo right\nright\nand more\n", "", 0),
    ("$ echo right\nright\n", " exit=2", 1),
    ("$ exit 3\n", "", 1),
    ("$ exit 3\n$ echo right\nright\n", "", 1),
    ("$ providers-codegen no-such-command\n", "", 1),
]


@pytest.mark.parametrize(("shown", "info", "count"), BROKEN)
def test_page_that_shows_something_else_is_found_out(
    shown: str, info: str, count: int, tmp_path: Path, manifest_text: str
) -> None:
    page = f"# Page\n\n```console{info}\n{shown}```\n"
    replayed, faults = _replay(page, Project(tmp_path, manifest_text))
    assert len(faults) == count
    assert faults or replayed != page


# programs and sessions

_SESSION = """\
import doctest, sys
sys.path.insert(0, sys.argv[1])
sys.exit(doctest.testfile(sys.argv[2], module_relative=False, encoding="utf-8").failed > 0)
"""


def _session(text: str) -> str:
    """Return the sessions of a page alone, on the lines on which they stand."""
    kept, at = [], 0
    for block in blocks(text, "pycon"):
        kept += ["\n" * text.count("\n", at, block.start), block.text]
        at = block.end
    return "".join(kept)


@each_page
def test_sessions_at_the_prompt_go_as_shown(page: Path, tmp_path: Path) -> None:
    text = read(page)
    if not any(blocks(text, "pycon")):
        return
    made = build(registry_of(manifest_of(text)), tmp_path / "generated", "python")
    session = tmp_path / page.name
    session.write_text(_session(text), encoding="utf-8")
    run([sys.executable, "-I", "-B", "-c", _SESSION, str(made.out / "python"), str(session)])


_PRINTED = re.compile(r"^.*\b(?:print|Println|log)\(.*\);?\s+(?:#|//) (.*)$", flags=re.MULTILINE)


def _run_python(program: str, made: Build, work: Path) -> str:
    (work / "program.py").write_text(program, encoding="utf-8")
    environ = dict(os.environ) | {"PYTHONPATH": str(made.out / "python")}
    return run([sys.executable, "-B", "program.py"], cwd=work, env=environ)


def _run_go(program: str, made: Build, work: Path) -> str:
    go = needed(toolchains.go(), "go")
    module = made.options.go_module
    (work / "main.go").write_text(program, encoding="utf-8")
    (work / "go.mod").write_text(
        f"module program\n\ngo 1.21\n\nrequire {module} v0.0.0\n\n"
        f"replace {module} => {made.out / 'go'}\n",
        encoding="utf-8",
    )
    return run([go, "run", "."], cwd=work, env=toolchains.environment())


_TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "target": "es2022",
        "module": "nodenext",
        "lib": ["es2022", "dom"],
        "types": [],
    },
    "files": ["main.ts"],
}


def _run_ts(program: str, made: Build, work: Path) -> str:
    node = needed(toolchains.node(), "node")
    tsc = needed(toolchains.tsc(), "TypeScript")
    (work / "node_modules").mkdir()
    package = work / "node_modules" / made.options.npm_name
    package.symlink_to(made.out / "typescript")
    (work / "main.ts").write_text(program, encoding="utf-8")
    (work / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (work / "tsconfig.json").write_text(json.dumps(_TSCONFIG), encoding="utf-8")
    run([node, tsc], cwd=work)
    return run([node, "main.js"], cwd=work)


RUN = {"python": _run_python, "go": _run_go, "ts": _run_ts}


@pytest.mark.parametrize("language", sorted(PROGRAMS))
@pytest.mark.parametrize("name", ["README.md", "generated/README.md"])
def test_programs_print_what_their_comments_say(
    name: str, language: str, real_build: Build, tmp_path: Path
) -> None:
    page = real_build.out / "README.md" if name.startswith("generated") else ROOT / name
    programs = [block.text for block in blocks(read(page), language)]
    assert programs
    for number, program in enumerate(programs):
        work = tmp_path / str(number)
        work.mkdir()
        said = [match[1] for match in _PRINTED.finditer(program)]
        assert said, program
        assert RUN[language](program, real_build, work).splitlines() == said


@each_page
def test_programs_stand_only_where_they_are_run(page: Path) -> None:
    assert page == README or not any(blocks(read(page), *PROGRAMS))


@each_page
def test_every_block_has_a_kind_and_none_is_overlooked(page: Path) -> None:
    text = read(page)
    assert {block.kind for block in blocks(text)} <= EXECUTED | SHOWN
    assert len(re.findall(r"^\s*```", text, flags=re.MULTILINE)) == 2 * len(list(blocks(text)))


# links and names


def _pages_with_links() -> list[Path]:
    hidden = {"node_modules", "generated", "build", "dist"}
    found = (page.relative_to(ROOT) for page in ROOT.rglob("*.md"))
    return sorted(
        path
        for path in found
        if not hidden & set(path.parts)
        and not any(part.startswith(".") and part != ".github" for part in path.parts)
    )


def _anchor(heading: str) -> str:
    """Return the anchor that forges give a heading.

    >>> _anchor("Add a `provider`, in three steps")
    'add-a-provider-in-three-steps'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _is_there(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not anchor or not target.is_file():
        return target.exists()
    return anchor in map(_anchor, sections(read(target)))


@pytest.mark.parametrize("path", _pages_with_links(), ids=str)
def test_relative_links_lead_somewhere(path: Path) -> None:
    page = ROOT / path
    links = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", _FENCE.sub("", read(page)))
    relative = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in relative if not _is_there(page, link)] == []


def _make_targets() -> dict[str, bool]:
    """Return the targets of the Makefile, and whether `make help` lists them."""
    found = re.findall(r"^([a-z-]+):(.*)$", read(ROOT / "Makefile"), flags=re.MULTILINE)
    return {name: "##" in rest for name, rest in found}


@each_page
def test_every_make_target_on_a_page_exists(page: Path) -> None:
    called = re.compile(r"(?:^|\$ |run: )make ([a-z-]+)", flags=re.MULTILINE)
    named = {name for text in code(read(page)) for name in called.findall(text)}
    assert named <= set(_make_targets())


def test_readme_lists_every_make_target() -> None:
    targets = {bare(row[0]) for row in rows(sections(read(README))["The make targets"])}
    assert targets == {f"make {name}" for name, listed in _make_targets().items() if listed}


def test_readme_lists_every_setting_and_flag() -> None:
    table = rows(sections(read(README))["Settings and flags"])
    settings = {bare(row[0]) for row in table} - {"—"}
    flags = {bare(row[1]).partition(" ")[0] for row in table} - {"—"}
    assert settings == {setting.key for setting in SETTINGS}
    assert flags == {option for parameter in generate.params for option in parameter.opts}


def test_readme_lists_every_exit_code() -> None:
    codes = {bare(row[0]) for row in rows(sections(read(README))["Exit codes"])}
    assert codes == {str(code) for code in (FINE, NO, INVALID, USAGE)}


def test_readme_lays_out_folders_that_are_there() -> None:
    layout = next(block for block in blocks(read(README)) if block.info == "layout")
    named = [line.split()[0] for line in layout.text.splitlines() if not line.startswith(" ")]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_readme_shows_the_numbers_that_make_test_prints(
    real_build: Build, registry: Registry
) -> None:
    """The block itself is not run: that would be this test inside of itself."""
    shown = next(b.text for b in blocks(read(README), "text") if b.text.startswith("$ make test"))
    count = len(vectors(real_build))
    for language in ("python", "go", "typescript"):
        assert f"{language}: {count:,} of {count:,} answers agree (real_build)\n" in shown
    arms = [arm for runtime in registry.runtimes for arm in runtime.arms]
    used = len({arm.provider for arm in arms})
    assert f"{len(registry.runtimes)} runtimes, {len(arms)} arms, {used} providers, " in shown


def test_changelog_speaks_of_the_version_at_hand() -> None:
    assert f"## [{codegen.__version__}]" in read(ROOT / "CHANGELOG.md")


# the fingerprint, as the README tells others to take it


@pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("jq", "sha256sum")),
    reason="SKIPPED: jq or sha256sum is not on this machine; nothing here installs them",
)
def test_fingerprint_comes_out_of_jq_as_the_readme_says(real_build: Build, tmp_path: Path) -> None:
    command = next(b.text for b in blocks(read(README), "sh") if b.text.startswith("jq "))
    shutil.copytree(real_build.out, tmp_path / "generated")
    printed = run(["/bin/sh", "-c", command], cwd=tmp_path)
    assert printed.split()[0] == fingerprint(real_build.registry)


# what the pages must name

RECORDS = {
    "The top level": schema.MANIFEST,
    "A provider": schema.PROVIDER,
    "An endpoint variable": schema.ENDPOINT_VAR,
    "A deprecation": schema.DEPRECATION,
    "A runtime": schema.RUNTIME,
    "An arm": schema.ARM,
    "A withdrawn model": schema.WITHDRAWN,
}


def test_records_above_are_all_of_the_schema() -> None:
    records = {v for v in vars(schema).values() if isinstance(v, schema.RecordShape)}
    assert set(RECORDS.values()) == records


@pytest.mark.parametrize("heading", list(RECORDS))
def test_manifest_page_lists_exactly_the_keys_of_the_schema(heading: str) -> None:
    table = rows(sections(read(DOCS / "manifest.md"))[heading])
    record = RECORDS[heading]
    assert [(bare(row[0]), row[1]) for row in table] == [
        (key.name, "yes" if key.required else "no") for key in record.keys
    ]


def test_manifest_page_lists_every_choice() -> None:
    sections_by_name = sections(read(DOCS / "manifest.md"))
    for heading, record in RECORDS.items():
        for key in record.keys:
            shape = key.shape.values if isinstance(key.shape, schema.TableShape) else key.shape
            if isinstance(shape, schema.ChoiceShape):
                words = {f"`{value}`" for value in shape.values}
                assert words <= set(re.findall(r"`[^`]+`", sections_by_name[heading])), key.name


def test_patterns_that_the_page_accepts_match_what_it_says() -> None:
    for cell, owned, foreign in rows(sections(read(DOCS / "manifest.md"))["Accepted"]):
        pattern = bare(cell)
        assert compile_pattern(pattern)
        for ids, wanted in ((owned, True), (foreign, False)):
            for model in re.findall(r"`([^`]+)`", ids):
                assert matches(pattern, model) is wanted, (pattern, model)


def test_patterns_that_the_page_refuses_are_refused_under_the_rule_it_names() -> None:
    names = {rule.code: rule.name for rule in RULES}
    for cell, rule, _ in rows(sections(read(DOCS / "manifest.md"))["Refused"]):
        with pytest.raises(PatternError) as refused:
            compile_pattern(bare(cell))
        assert refused.value.rule == names[bare(rule)], cell


def test_architecture_page_names_every_module() -> None:
    text = read(DOCS / "architecture.md")
    modules = [path for path in (ROOT / "codegen").rglob("*.py") if not path.name.startswith("__")]
    assert [path.name for path in modules if path.name not in text] == []


def test_decisions_page_has_an_example_of_every_function_and_error() -> None:
    text = read(DOCS / "decisions.md")
    sessions = "".join(block.text for block in blocks(text, "pycon"))
    cases = vectors_functions()
    assert [name for name in cases if f"{name}(" not in sessions] == []
    assert [code.value for code in Code if f"`{code.value}`" not in text] == []


def vectors_functions() -> list[str]:
    """Return the names of the decisions, as the conformance cases ask them."""
    from codegen.vectors import vectors as cases

    registry = registry_of(read(MANIFEST))
    return sorted({str(case["fn"]) for case in cases(registry)} - {"constants"})


# the example of merged rows


_ENTRY = """\
  - name: arm-{number}
    display_name: Arm
    vendor_logo: arm
    protocol: openai
    auth_mode: oauth
    base_url_template: null
    base_url_anthropic: null
    auth_env: [ARM_{number}_KEY]
    model_prefix_match: '{pattern}'
"""


def test_architecture_page_shows_the_real_rows() -> None:
    text = sections(read(DOCS / "architecture.md"))["The merged prefix tables"]
    sentence = re.search(r"with the patterns (.+?)\. ", text, flags=re.DOTALL)
    assert sentence is not None
    patterns = re.findall(r"`([^`]+)`", sentence[1])
    entries = (_ENTRY.format(number=n, pattern=p) for n, p in enumerate(patterns, 1))
    arms = (f"      - {{name: arm-{n}, models: [id-{n}]}}\n" for n in range(1, len(patterns) + 1))
    registry = registry_of(
        f"schema_version: 1\nproviders:\n{''.join(entries)}"
        f"runtimes:\n  agent:\n    providers:\n{''.join(arms)}"
    )
    made = tables.table(registry, registry.runtimes[0])
    real = [
        (row.key, variant.literal, [owner.name[-1] for owner in variant.owners])
        for row in sorted(made.prefixes, key=lambda row: -len(row.key))
        for variant in row.variants
    ]
    shown = [
        (bare(key), "".join(re.findall(r"`([^`]+)`", literal)), re.findall(r"\d", owners))
        for key, literal, owners in rows(text)
    ]
    assert shown == real
