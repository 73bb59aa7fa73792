"""Comments that ignore findings: what they reach, and when they are at fault themselves."""

from __future__ import annotations

import pytest

from codegen.pipeline import Loaded, load_source
from codegen.source import Source
from tests.builds import MANIFEST
from tests.fragments import completed

IGNORE = "# providers-codegen: ignore"


def _loaded(fragment: str) -> Loaded:
    (text,) = completed(fragment)
    return load_source(Source(path="m.yaml", text=text))


def _codes(loaded: Loaded) -> list[str]:
    return sorted(found.code for found in loaded.diagnostics)


(ACME,) = completed("providers:\n  - name: acme\n    tooltip: of Acme\n")

# R005 says that no runtime has an arm for acme. What stands where a comment is put, {}:
REACHED = {
    "the line before the entry": ("  - name: acme", "  {}\n  - name: acme"),
    "the line of the finding": ("- name: acme", "- name: acme  {}"),
    "the line before the list": ("providers:", "{}\nproviders:"),
    "before other comments": ("  - name", "  {}\n  # about acme\n\n  # more\n  - name"),
    "behind other comments": ("  - name", "  # about acme\n  {}\n  - name"),
    "behind a tab": ("- name: acme", "- name: acme\t{}"),
    "before the key": ("  - name: acme", "  -\n    {}\n    name: acme"),
}
OUT_OF_REACH = {
    "before another key": ("    tooltip", "    {}\n    tooltip"),
    "on another line": ("of Acme", "of Acme  {}"),
    "at the end of the file": ("runtimes: {}\n", "runtimes: {}\n{}\n"),
}


def _with_comment(place: tuple[str, str], comment: str) -> Loaded:
    old, new = place
    assert ACME.count(old) == 1
    changed = ACME.replace(old, new[::-1].replace("}{", comment[::-1], 1)[::-1])
    assert changed.count(comment) == 1
    return load_source(Source(path="m.yaml", text=changed))


@pytest.mark.parametrize("place", REACHED.values(), ids=REACHED)
def test_finding_within_reach_is_ignored_with_its_reason(place: tuple[str, str]) -> None:
    loaded = _with_comment(place, f"{IGNORE}[R005] announced")
    assert _codes(loaded) == []
    assert [(s.diagnostic.code, s.reason) for s in loaded.suppressed] == [("R005", "announced")]


@pytest.mark.parametrize("place", OUT_OF_REACH.values(), ids=OUT_OF_REACH)
def test_finding_out_of_reach_stays_and_the_comment_is_a_finding(place: tuple[str, str]) -> None:
    loaded = _with_comment(place, f"{IGNORE}[R005] announced")
    assert _codes(loaded) == ["H004", "R005"]
    assert loaded.suppressed == ()


def test_only_the_entry_that_follows_is_reached() -> None:
    fragment = "providers:\n  {}\n  - name: acme\n  - name: zeta\n"
    loaded = _loaded(fragment.format(f"{IGNORE}[R005] announced"))
    assert [(d.code, loaded.source.slice(d.span)) for d in loaded.diagnostics] == [("R005", "zeta")]


def test_whole_entry_is_reached() -> None:
    fragment = (
        "providers:\n  {}\n  - name: acme\n    base_url_template: http://acme.example/v1\n"
        "    auth_env: []\n"
    )
    loaded = _loaded(fragment.format(f"{IGNORE}[E004, R005,H007] inside the mesh"))
    assert _codes(loaded) == []
    assert sorted(s.diagnostic.code for s in loaded.suppressed) == ["E004", "H007", "R005"]


def test_comments_one_above_the_other_reach_the_same_entry() -> None:
    lines = f"{IGNORE}[R005] one\n  {IGNORE}[H007] two"
    loaded = _loaded(f"providers:\n  {lines}\n  - name: acme\n    auth_env: []\n")
    assert _codes(loaded) == []
    assert {s.diagnostic.code: s.reason for s in loaded.suppressed} == {
        "R005": "one",
        "H007": "two",
    }


NO_COMMENTS = {
    "in quotes": f'    tooltip: "{IGNORE}[R005] no"\n',
    "in a block": f"    tooltip: |\n      {IGNORE}[R005] no\n",
    "in a folded text": f"    tooltip: >-\n      see\n      {IGNORE}[R005] no\n",
    "within a word": "    tooltip: see#providers-codegen:ignore[R005]\n",
}


@pytest.mark.parametrize("line", NO_COMMENTS.values(), ids=NO_COMMENTS)
def test_text_that_looks_like_a_comment_is_a_text(line: str) -> None:
    loaded = _loaded(f"providers:\n  - name: acme\n{line}")
    assert _codes(loaded) == ["R005"]


# a comment, and the codes of all findings where R005 is there to be ignored
FAULTY = [
    ("[R005]", ["H002"]),
    ("[R005]   ", ["H002"]),
    ("[R500] no such code", ["H003", "R005"]),
    ("[r005] in small letters", ["H003", "R005"]),
    ("[R005,R500] one of the two", ["H003"]),
    ("[E004] not here", ["H004", "R005"]),
    ("[S001] an error", ["H005", "R005"]),
    ("[H004] itself", ["H004", "R005"]),
    (" R005 announced", ["H006", "R005"]),
    ("[] nothing", ["H006", "R005"]),
    ("[ , ] nothing", ["H006", "R005"]),
    ("[R005 announced", ["H006", "R005"]),
]


@pytest.mark.parametrize(("rest", "codes"), FAULTY)
def test_faulty_comment_is_a_finding(rest: str, codes: list[str]) -> None:
    loaded = _loaded(f"providers:\n  {IGNORE}{rest}\n  - name: acme\n")
    assert _codes(loaded) == codes


def test_misspelt_directive_is_a_finding() -> None:
    loaded = _loaded("providers:\n  # providers-codegen: ignroe[R005] so\n  - name: acme\n")
    assert _codes(loaded) == ["H006", "R005"]


def test_finding_about_a_comment_points_at_the_code() -> None:
    loaded = _loaded(f"providers:\n  {IGNORE}[R005, E004] announced\n  - name: acme\n")
    (found,) = loaded.diagnostics
    assert (found.code, loaded.source.slice(found.span)) == ("H004", "E004")


def test_comment_in_a_file_with_errors_of_shape_is_not_judged() -> None:
    """What it ignores may be hidden by the error, so nobody can say that it ignores nothing."""
    loaded = _loaded(f"providers:\n  {IGNORE}[E004] so\n  - name: acme\n    tooltpi: x\n")
    assert _codes(loaded) == ["S001"]


def test_real_manifest_has_no_finding_that_is_not_ignored_with_a_reason() -> None:
    loaded = load_source(Source(path="providers.yaml", text=MANIFEST.read_text(encoding="utf-8")))
    assert loaded.diagnostics == ()
    assert sorted(s.diagnostic.code for s in loaded.suppressed) == ["A006", "R005", "R005", "R005"]
    assert all(len(s.reason.split()) >= 4 for s in loaded.suppressed)
