"""Outcomes -> charts in SVG, drawn by the templates beside this module."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks import experiments
from benchmarks.outcome import Figure, Outcome
from benchmarks.places import ROOT
from benchmarks.quantities import shown

FOLDER = ROOT / "docs" / "img"
_TEMPLATES = Path(__file__).resolve().parent / "templates"

# What the project makes is named after its function, in each language as that writes it.
OURS = ("derive_provider", "DeriveProvider", "deriveProvider", "tryDeriveProvider")

_LEFT, _WIDTH, _ROW, _HEAD = 330, 400, 22, 34


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


def _is_timed(each: Figure) -> bool:
    return each.unit == "ns"


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
        experiments.title(name): [each for each in outcome.figures if _is_timed(each)]
        for name, outcome in outcomes.items()
        if name.endswith("_decisions")
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


def _panel(title: str, figures: list[Figure], left: int) -> Panel:
    cases = list(dict.fromkeys(each.case for each in figures))[:3]
    by_case = [[each for each in figures if each.case == case] for case in cases]
    step = _PANEL / (len(by_case[0]) - 1)
    return Panel(
        title=title,
        x=left,
        lines=tuple(_line(found, kind, left) for kind, found in enumerate(by_case)),
        sizes=tuple(
            Mark(x=round(left + step * i, 1), label=each.contender.split()[0])
            for i, each in enumerate(by_case[0])
        ),
    )


def growth(outcomes: Mapping[str, Outcome]) -> str:
    """Return how the time of a decision grows with the catalog, as multiples of the smallest."""
    found = {name: each for name, each in outcomes.items() if name.endswith("_growth")}
    panels = [
        _panel(name.removesuffix("_growth"), list(each.figures), 60 + i * (_PANEL + _GAP))
        for i, (name, each) in enumerate(found.items())
    ]
    levels = [Mark(x=_height(times), label=f"{times} ×") for times in (0, 1, 2, 3)]
    width = 60 + len(panels) * (_PANEL + _GAP)
    return _drawn("growth.svg.j2", panels=panels, levels=levels, width=width, panel=_PANEL)


def drawn(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return the charts by the names of their files below `docs/img`."""
    return {"decisions.svg": decisions(outcomes), "growth.svg": growth(outcomes)}
