"""Outcomes -> charts in SVG, drawn by the templates beside this module."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.catalogs import GROWTH
from benchmarks.outcome import Figure, Outcome
from benchmarks.places import ROOT
from benchmarks.quantities import shown

FOLDER = ROOT / "docs" / "img"
_TEMPLATES = Path(__file__).resolve().parent / "templates"

# What the project makes is named after its function, in each language as that writes it.
OURS = ("derive_provider", "DeriveProvider", "deriveProvider", "tryDeriveProvider")

_LANGUAGES = {"go": "Go", "typescript": "TypeScript", "python": "Python"}
# The questions that all languages are asked, and who answers only some of them.
_ASKED = {"listed": 0, "listed id": 0, "prefix": 1, "miss": 2, "misspelt id": 2}
_LEFT_OUT = ("its error", "genai-prices, provider alone")

_LEFT, _WIDTH, _ROW, _HEAD = 290, 400, 22, 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row: what it says, how long its bar is, in pixels, and whether it is ours."""

    label: str
    value: str
    y: int
    width: float
    is_ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The rows of one experiment below its title."""

    title: str
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line of the scale, and what it stands for."""

    x: float
    label: str


def _drawn(template: str, **view: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(view)


def _drawable(outcome: Outcome) -> list[Figure]:
    """Return what one chart can hold: the questions of all languages, each asked once."""
    found = (
        each
        for each in outcome.figures
        if each.unit == "ns" and each.case in _ASKED
        if not each.contender.startswith(_LEFT_OUT) and "Chromium" not in each.contender
    )
    return sorted(found, key=lambda each: _ASKED[each.case])


def _bars(figures: list[Figure], top: int, low: float, decade: float) -> Iterator[Bar]:
    for number, each in enumerate(figures):
        yield Bar(
            label=f"{each.contender}, {each.case}",
            value=shown(each.median, "ns"),
            y=top + number * _ROW,
            width=round(decade * (math.log10(each.median) - low), 1),
            is_ours=each.contender.startswith(OURS),
        )


def decisions(outcomes: Mapping[str, Outcome]) -> str:
    """Return how long one decision takes, ours and others', on a logarithmic scale."""
    found = {
        title: _drawable(outcomes[f"{language}_decisions"])
        for language, title in _LANGUAGES.items()
    }
    medians = [each.median for figures in found.values() for each in figures]
    low, high = math.floor(math.log10(min(medians))), math.ceil(math.log10(max(medians)))
    decade = _WIDTH / (high - low)
    groups, top = [], 20
    for title, figures in found.items():
        bars = tuple(_bars(figures, top + _HEAD, low, decade))
        groups.append(Group(title=title, y=top + 18, bars=bars))
        top += _HEAD + len(bars) * _ROW + 14
    marks = [
        Mark(x=round(_LEFT + decade * step, 1), label=shown(10.0 ** (low + step), "ns"))
        for step in range(high - low + 1)
    ]
    return _drawn("decisions.svg.j2", groups=groups, marks=marks, left=_LEFT, bottom=top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How one kind of question grows: its points in pixels, and its last value in words."""

    label: str
    kind: int
    points: tuple[tuple[float, float], ...]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The lines of one language, side by side with those of the others."""

    title: str
    x: int
    lines: tuple[Line, ...]
    sizes: tuple[Mark, ...]


_PANEL, _GAP, _HEIGHT, _TOP = 190, 60, 160, 50
_HIGHEST = 3.0


def _height(times: float) -> float:
    return round(_TOP + _HEIGHT * (1 - min(times, _HIGHEST) / _HIGHEST), 1)


def _line(figures: list[Figure], kind: int, left: int) -> Line:
    first = figures[0].median
    step = _PANEL / (len(figures) - 1)
    times = [each.median / first for each in figures]
    points = tuple((round(left + step * i, 1), _height(each)) for i, each in enumerate(times))
    return Line(label=figures[0].case, kind=kind, points=points, value=shown(times[-1], "×"))


def _panel(title: str, figures: Sequence[Figure], left: int) -> Panel:
    cases = dict.fromkeys(each.case for each in figures if each.case in _ASKED)
    by_case = [[each for each in figures if each.case == case] for case in cases]
    step = _PANEL / (len(GROWTH) - 1)
    return Panel(
        title=title,
        x=left,
        lines=tuple(_line(found, kind, left) for kind, found in enumerate(by_case)),
        sizes=tuple(
            Mark(x=round(left + step * i, 1), label=f"{size.providers:,}")
            for i, size in enumerate(GROWTH)
        ),
    )


def growth(outcomes: Mapping[str, Outcome]) -> str:
    """Return how the time of a decision grows with the catalog, as multiples of the smallest."""
    panels = [
        _panel(title, outcomes[f"{language}_growth"].figures, 60 + i * (_PANEL + _GAP))
        for i, (language, title) in enumerate(_LANGUAGES.items())
    ]
    levels = [Mark(x=_height(times), label=f"{times} ×") for times in (0, 1, 2, 3)]
    width = 60 + len(panels) * (_PANEL + _GAP)
    return _drawn("growth.svg.j2", panels=panels, levels=levels, width=width, panel=_PANEL)


def drawn(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return the charts by the names of their files below `docs/img`."""
    return {"decisions.svg": decisions(outcomes), "growth.svg": growth(outcomes)}
