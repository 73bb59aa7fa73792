"""The matrix -> one page for people, with the TypeScript artifact in it to answer them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from urllib.parse import quote as percent_encoded

from codegen import matrix
from codegen.frozen import frozen
from codegen.ir import Provider, Registry, Text
from codegen.matrix import Column, Counts, Matrix, Payer, Place
from codegen.options import Options
from codegen.quote import javascript_string, unseen_class, visible
from codegen.targets import typescript
from codegen.targets.page import Header, Page, header

COMMAND = "providers-codegen matrix --format html"


@frozen
class ProgramView:
    """What the program of the page adds to the artifact; all of it is source text."""

    runtimes: tuple[str, ...]
    patterns: tuple[tuple[str, str], ...]
    unseen: str


@frozen
class StyleView:
    """The style of the page depends on nothing."""


@frozen
class Link:
    """An id, and the address within the page at which it is asked for."""

    text: str
    address: str


@frozen
class Gone:
    """An id that was withdrawn, and what is said about it; what is not said is empty."""

    id: Link
    reason: str
    replacement: str


@frozen
class Serving:
    """A provider as the page shows it. Texts are visible; `name` is also as it is."""

    name: str
    display_name: str
    is_platform: bool
    payer: str
    pattern: str
    auth_env: tuple[str, ...]
    is_deprecated: bool


@frozen
class Crossing:
    """An arm as the page shows it, in the grid and in the list below.

    `first` are texts for a cell of the grid: as many ids as fit there, and how many more.
    """

    anchor: str
    runtime: str
    serving: Serving
    count: int
    first: tuple[str, ...]
    models: tuple[Link, ...]
    withdrawn: tuple[Gone, ...]


@frozen
class Line:
    """A row of the grid: a provider, and its arms; None where there is none."""

    serving: Serving
    crossings: tuple[Crossing | None, ...]


@frozen
class Heading:
    """A runtime: the head of a column, and of a list of arms."""

    name: str
    counts: Counts
    default_model: Link | None
    crossings: tuple[Crossing, ...]


@frozen
class MatrixView:
    """What the page prints. The hashes let exactly this program and this style run."""

    header: Header
    source: str
    fingerprint: str
    counts: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    headings: tuple[Heading, ...]
    examples: tuple[Link, ...]
    program: str
    program_hash: str
    style: str
    style_hash: str


def artifact_page(registry: Registry, options: Options) -> Page:
    """Return the page of the module that `generate` writes as typescript/registry.js."""
    pages = typescript.pages(registry, options)
    return next(page for page in pages if page.path == "typescript/registry.js")


def program_page(registry: Registry, shown: Matrix) -> Page:
    """Return the page of the program that stands behind the artifact and asks it."""
    view = ProgramView(
        runtimes=tuple(javascript_string(column.runtime.name) for column in shown.columns),
        patterns=tuple(
            (javascript_string(provider.name), javascript_string(provider.pattern.text))
            for provider in registry.providers
        ),
        unseen=unseen_class(),
    )
    return Page(template="_matrix.js.j2", path="matrix.js", view=view)


def style_page() -> Page:
    """Return the page of the style."""
    return Page(template="_matrix.css.j2", path="matrix.css", view=StyleView())


_ENDS = re.compile(r"</(?:script|style)|<!--", flags=re.IGNORECASE)


def _inline(source: str) -> str:
    """Return what may stand inside an element as it is; every literal in it is escaped so.

    Raises `ValueError` for what a browser would read otherwise than as it is written.
    """
    if _ENDS.search(source) or "\r" in source or "\0" in source:
        raise ValueError("a script or a style would not be read as it is written")
    return source


def _hash(source: str) -> str:
    return "sha256-" + b64encode(sha256(source.encode("utf-8")).digest()).decode("ascii")


def _link(runtime: str, model: str) -> Link:
    fields = {"id": model, "on": runtime}
    query = "&".join(f"{key}={percent_encoded(text, safe='')}" for key, text in fields.items())
    return Link(text=visible(model), address=f"#{query}")


def _serving(provider: Provider) -> Serving:
    return Serving(
        name=provider.name,
        display_name=visible(provider.display_name),
        is_platform=provider.is_platform,
        payer=matrix.payer(provider).value,
        pattern=visible(provider.pattern.text),
        auth_env=tuple(map(visible, provider.auth_env)),
        is_deprecated=provider.deprecated is not None,
    )


_IN_A_CELL = 3


def _first(models: tuple[Text, ...]) -> tuple[str, ...]:
    shown = tuple(map(visible, models[:_IN_A_CELL]))
    more = len(models) - len(shown)
    return (*shown, f"and {more} more") if more else shown


def _crossing(column: Column, place: Place, anchor: str) -> Crossing:
    runtime = column.runtime.name
    return Crossing(
        anchor=anchor,
        runtime=runtime,
        serving=_serving(place.provider),
        count=len(place.arm.models),
        first=_first(place.arm.models),
        models=tuple(_link(runtime, model) for model in place.arm.models),
        withdrawn=tuple(
            Gone(
                id=_link(runtime, gone.id),
                reason=visible(gone.reason or ""),
                replacement=visible(gone.replacement or ""),
            )
            for gone in place.arm.withdrawn
        ),
    )


def _heading(number: int, column: Column) -> Heading:
    default = column.runtime.default_model
    return Heading(
        name=column.runtime.name,
        counts=matrix.counts(column),
        default_model=None if default is None else _link(column.runtime.name, default),
        crossings=tuple(
            _crossing(column, place, f"arm-{number}-{index}")
            for index, place in enumerate(column.places)
        ),
    )


def _lines(shown: Matrix, headings: tuple[Heading, ...]) -> Iterator[Line]:
    by_name = [{each.serving.name: each for each in heading.crossings} for heading in headings]
    for row in shown.rows:
        crossings = tuple(named.get(row.provider.name) for named in by_name)
        yield Line(serving=_serving(row.provider), crossings=crossings)


def _counts(shown: Matrix) -> Iterator[tuple[str, str]]:
    found = matrix.counts(*shown.columns)
    counted = (
        (found.runtimes, "runtime", ""),
        (found.arms, "arm", ""),
        (found.providers, "provider", " in use"),
        (found.listed_ids, "listed id", ""),
        (found.withdrawn_ids, "withdrawn id", ""),
        (found.name_only_arms, "name-only arm", ""),
    )
    for count, noun, tail in counted:
        yield f"{count:,}", f"{noun}{'' if count == 1 else 's'}{tail}"


def _examples(headings: tuple[Heading, ...]) -> tuple[Link, ...]:
    """Return an id to begin with for each payer, as far as one is listed."""
    listed = [each for heading in headings for each in heading.crossings if each.models]
    chosen = (
        next((each.models[0] for each in listed if each.serving.payer == who), None)
        for who in (Payer.PLATFORM, Payer.BYOK)
    )
    return tuple(link for link in chosen if link is not None)


def page(shown: Matrix, program: str, style: str, options: Options) -> Page:
    """Return the page of a matrix: what it shows, and the program and style it is to carry."""
    headings = tuple(_heading(number, column) for number, column in enumerate(shown.columns))
    lines = header(replace(options, command=COMMAND))
    view = MatrixView(
        header=lines,
        source=visible(options.manifest.name),
        fingerprint=shown.fingerprint,
        counts=tuple(_counts(shown)),
        lines=tuple(_lines(shown, headings)),
        headings=headings,
        examples=_examples(headings),
        program=_inline(program),
        program_hash=_hash(program),
        style=_inline(style),
        style_hash=_hash(style),
    )
    return Page(template="_matrix.html.j2", path="matrix.html", view=view)
