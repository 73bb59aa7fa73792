"""One rule is one code, one function, one page and one rejected example; none is missing."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from codegen import faults, rulebook
from codegen.checks import CHECKS
from codegen.checks.runtime_templates import TEMPLATE_CHECKS
from codegen.diagnostics import Severity
from codegen.judging import check_sources
from codegen.pipeline import Loaded, load_source, rule_page
from codegen.rulebook import RulePage, rule_pages
from codegen.rules import FAMILIES, RULES
from codegen.source import Source
from tests.builds import ROOT
from tests.fragments import completed, template_of
from tests.test_cli import cli
from tests.test_rejects import FILES as REJECTS
from tests.test_rejects import _load as load_reject

PAGES = rule_pages()

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.rule.name)


def test_there_are_at_least_45_rules_with_codes_and_names_of_their_own() -> None:
    assert len(RULES) >= 45
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.severity for rule in RULES} == set(Severity)
    assert {rule.code[0] for rule in RULES} == set(FAMILIES)


def test_no_rule_lacks_its_function_its_page_or_its_reject() -> None:
    functions = (*faults.FAULTS, *CHECKS, *TEMPLATE_CHECKS)
    names = [function.__name__ for function in functions]
    assert sorted(names) == sorted(rule.name for rule in RULES)
    assert [page.rule for page in PAGES] == list(RULES)
    assert {path.stem.partition("_")[0] for path in REJECTS} == {rule.code for rule in RULES}


def _load(fragment: str) -> Loaded:
    sources: list[Source] = []
    for name, text in zip(("providers.yaml", "overlay.yaml"), completed(fragment), strict=False):
        base = sources[-1].end + 1 if sources else 0
        sources.append(Source(path=name, text=text, base=base))
    loaded, template = load_source(*sources), template_of(fragment)
    if template is None:
        return loaded
    assert loaded.registry is not None, [found.message for found in loaded.diagnostics]
    source = Source(path="template.yaml", text=template, base=loaded.sources.files[-1].end + 1)
    runtime = loaded.registry.runtimes[0]
    return check_sources(loaded, loaded.registry, runtime, source).loaded


def _run(command: str, folder: Path) -> str:
    """Run the command of a page as a user would."""
    cli = shlex.join([sys.executable, "-m", "codegen"])
    done = subprocess.run(
        ["/bin/sh", "-c", command.removeprefix("$ ").replace("providers-codegen", cli)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    return done.stderr


@each_page
def test_example_on_the_page_fails_by_this_rule(page: RulePage, tmp_path: Path) -> None:
    if page.fails.startswith("$ "):
        assert f"[{page.rule.code}]" in _run(page.fails, tmp_path)
        return
    found = {diagnostic.code for diagnostic in _load(page.fails).diagnostics}
    assert page.rule.code in found


@each_page
def test_mended_example_on_the_page_compiles_without_this_finding(page: RulePage) -> None:
    if not page.passes:
        assert page.fails.startswith("$ "), "only a command has nothing to mend"
        return
    loaded = _load(page.passes)
    assert page.rule.code not in {diagnostic.code for diagnostic in loaded.diagnostics}
    assert loaded.registry is not None, [found.message for found in loaded.diagnostics]


@each_page
def test_page_reads_well(page: RulePage) -> None:
    assert page.summary[0].isupper()
    assert not page.summary.endswith(".")
    assert page.reason.endswith(".")
    assert page.mend.endswith(".")
    assert len(page.summary) <= 96


def test_docstring_that_is_no_page_is_found_out() -> None:
    with pytest.raises(rulebook.MalformedPageError):
        rulebook._page(RULES[0], "A sentence.\n\nA reason without an example.")


@pytest.mark.parametrize("path", REJECTS, ids=lambda path: path.stem)
def test_severity_of_a_finding_is_that_of_its_rule(path: Path) -> None:
    severities = {rule.code: rule.severity for rule in RULES}
    assert all(found.severity is severities[found.code] for found in load_reject(path).diagnostics)


def test_rules_lists_every_rule_on_a_line(tmp_path: Path) -> None:
    done = cli(tmp_path, "rules")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        [rule.code, rule.severity.value, rule.name] for rule in RULES
    ]
    assert all(page.summary in line for page, line in zip(PAGES, lines, strict=True))


@each_page
def test_explain_rule_prints_what_the_generated_page_says(page: RulePage) -> None:
    written = (ROOT / "docs" / "rules" / f"{page.rule.code}.md").read_text(encoding="utf-8")
    printed = rule_page(page.rule.code)
    assert written.endswith(f"\n{printed}")
    assert printed.startswith(f"# {page.rule.code}: {page.rule.name}\n\n{page.summary}.\n")


@pytest.mark.parametrize("name", ["A003", "a003", "inseparable_arms"])
def test_explain_rule_takes_a_code_or_a_name(name: str, tmp_path: Path) -> None:
    done = cli(tmp_path, "explain-rule", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == rule_page("A003")


@pytest.mark.parametrize(
    ("name", "help_line"),
    [
        ("inseparable_arm", 'help: did you mean "inseparable_arms"?\n'),
        ("?" * 20, "help: providers-codegen rules lists them\n"),
    ],
)
def test_explain_rule_of_no_rule_is_three_with_advice(
    name: str, help_line: str, tmp_path: Path
) -> None:
    done = cli(tmp_path, "explain-rule", name)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.endswith(help_line)
