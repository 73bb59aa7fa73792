"""What docs/performance.md shows is what benchmarks/results.json says, and all of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from benchmarks import charts, experiments, page, results

PAGE = page.PATH.read_text(encoding="utf-8")
OUTCOMES, MACHINE = results.read(results.PATH.read_text(encoding="utf-8"))


def test_page_shows_the_results() -> None:
    assert page.refreshed(PAGE, OUTCOMES, MACHINE) == PAGE


def test_page_shows_another_result_otherwise() -> None:
    name, outcome = next((name, each) for name, each in OUTCOMES.items() if each.targets)
    target = replace(outcome.targets[0], value=outcome.targets[0].limit * 77)
    changed = OUTCOMES | {name: replace(outcome, targets=(target, *outcome.targets[1:]))}
    assert page.refreshed(PAGE, changed, MACHINE) != PAGE


@pytest.mark.parametrize("name", sorted(charts.drawn(OUTCOMES)))
def test_chart_shows_the_results(name: str) -> None:
    drawn = charts.drawn(OUTCOMES)[name]
    assert (charts.FOLDER / name).read_text(encoding="utf-8") == drawn
    assert f"img/{name}" in PAGE


def test_no_chart_is_left_over() -> None:
    assert {path.name for path in charts.FOLDER.iterdir()} == set(charts.drawn(OUTCOMES))


def test_results_have_every_experiment_in_its_order() -> None:
    assert tuple(OUTCOMES) == experiments.NAMES


@pytest.mark.parametrize("name", experiments.NAMES)
def test_missed_target_has_a_reason(name: str) -> None:
    for target in OUTCOMES[name].targets:
        assert target.is_reached or len(target.reason) > 20, target.what


def test_page_without_a_block_is_refused() -> None:
    block = re.search(r"<!-- measured: verify -->.*?<!-- end -->", PAGE, re.DOTALL)
    assert block is not None
    with pytest.raises(LookupError, match="verify"):
        page.refreshed(PAGE.replace(block[0], ""), OUTCOMES, MACHINE)


def test_sentences_of_the_page_are_kept() -> None:
    edited = PAGE.replace("## All targets", "## All targets, at a glance")
    assert page.refreshed(edited, OUTCOMES, MACHINE) == edited
