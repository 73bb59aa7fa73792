"""An explanation as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from codegen.explanation import Accepted, Explanation, Surface, listing
from codegen.frozen import frozen
from codegen.quote import width
from codegen.report.places import place
from codegen.report.wording import counted, shown
from codegen.routing import Billing, BillingSource, Code, Credential, Decision, Mode, RefusalError
from codegen.source import NOWHERE, Sources, Span


@frozen
class _Row:
    """A line: a label or none, cells, and where in the manifest what they say stands."""

    label: str = ""
    cells: tuple[str, ...]
    span: Span = NOWHERE


_LABEL = 13
_NOTHING = '""'


def _at(sources: Sources, span: Span) -> str:
    if span == NOWHERE:
        return ""
    where = place(sources, span)
    return f"{shown(where.path)}:{where.start.line}:{where.start.column}"


def _padded(cells: Iterable[str], widths: Iterable[int]) -> str:
    pairs = zip(cells, widths, strict=False)
    return "  ".join(cell + " " * (size - width(cell)) for cell, size in pairs).rstrip()


def _lines(sources: Sources, rows: Iterable[_Row]) -> Iterator[str]:
    """Yield the rows below one label, their cells aligned."""
    every = [(row.label, (*row.cells, _at(sources, row.span))) for row in rows]
    # What stands alone on its line has no column to make room for.
    aligned = [cells for _, cells in every if any(cells[1:])]
    widths = [max(map(width, column)) for column in zip_longest(*aligned, fillvalue="")]
    for label, cells in every:
        sizes = widths if any(cells[1:]) else [0]
        yield f"{label:<{_LABEL}}{_padded(cells, sizes)}".rstrip()


def _code_points(text: str) -> str:
    return " ".join(f"U+{ord(char):04X}" for char in text)


def _trim(found: Explanation) -> Iterator[_Row]:
    given, trimmed = found.question.model, found.trace.trimmed
    if given == trimmed:
        said = f"nothing to remove from {shown(given)}" if given else "there is no id"
        yield _Row(label="1. trim", cells=(said,))
        return
    yield _Row(label="1. trim", cells=(f"{shown(trimmed) or 'nothing'} is left",))
    front, _, behind = given.partition(trimmed) if trimmed else (given, "", "")
    for side, removed in (("in front", front), ("behind", behind)):
        if removed:
            yield _Row(cells=(f"removed {side}: {shown(_code_points(removed))}",))


def _runtime(found: Explanation) -> Iterator[_Row]:
    runtime = found.trace.runtime
    if runtime is not None:
        arms = counted(len(runtime.arms), "arm")
        yield _Row(
            label="2. runtime", cells=(f"{shown(runtime.name)}, {arms}",), span=runtime.name.span
        )
    elif found.trace.trimmed:
        yield _Row(label="2. runtime", cells=("there is none of that name",))


def _listed(found: Explanation) -> Iterator[_Row]:
    traced = found.trace
    if traced.runtime is None:
        return
    gone = traced.withdrawn
    if gone is not None:
        yield _Row(label="3. listed", cells=("no: it is withdrawn",), span=gone.id.span)
        return
    number = counted(len(traced.listed), "arm")
    said = f"by {number}" if traced.listed else "by no arm"
    yield _Row(label="3. listed", cells=(said,))
    for arm, provider in traced.listed:
        yield _Row(cells=(f"  {shown(provider.name)}",), span=listing(arm, traced.trimmed))


def _pattern(found: Explanation) -> Iterator[_Row]:
    traced = found.trace
    if traced.runtime is None or traced.withdrawn is not None or traced.listed:
        return
    arms = counted(len(traced.runtime.arms), "arm")
    number = f"{len(traced.matched)} of {arms}" if traced.matched else f"none of {arms}"
    yield _Row(label="4. pattern", cells=(f"matched by {number}",))
    for _, provider in traced.matched:
        text = provider.pattern.text
        yield _Row(cells=(f"  {shown(provider.name)}", shown(text)), span=text.span)


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(shown, names))


def _auth_env(found: Explanation) -> Iterator[_Row]:
    """Say what the names did where more than one arm was in question."""
    candidates = found.trace.listed or found.trace.matched
    if len(candidates) < 2:
        return
    label = "3. auth env" if found.trace.listed else "5. auth env"
    outcome = found.trace.outcome
    if isinstance(outcome, RefusalError):
        yield _Row(label=label, cells=(f"it does not decide: {_names(outcome.candidates)}",))
        return
    yield _Row(label=label, cells=(_settled(outcome),))


def _settled(decision: Decision) -> str:
    winner = shown(decision.provider.name)
    if len(decision.left) == 1:
        return f"{_names(decision.names)} leaves {winner} alone"
    if decision.left:
        left = _names(provider.name for provider in decision.left)
        return f"{_names(decision.names)} leaves {left}; the first declared stands, {winner}"
    return f"none of their names is given; the first declared stands, {winner}"


def _header(credential: Credential) -> str:
    extra = "".join(f", {name}: {value}" for name, value in credential.extra_headers)
    return f"{credential.header}: {credential.prefix}…{extra}"


def _state(accepted: Accepted) -> str:
    if accepted.is_used:
        return "given, and used"
    return "given" if accepted.is_given else "not given"


def _sent(accepted: Accepted) -> Iterator[_Row]:
    for protocol, credential in accepted.sent:
        if isinstance(credential, Credential):
            yield _Row(cells=(f"  {protocol}", _header(credential)))


def _credentials(found: Explanation) -> Iterator[_Row]:
    for index, accepted in enumerate(found.accepted):
        cell = f"{shown(accepted.name)} ({_state(accepted)})"
        yield _Row(label="" if index else "key", cells=(cell,))
        yield from _sent(accepted)
    refusals = [e for each in found.accepted for _, e in each.sent if isinstance(e, RefusalError)]
    if refusals:
        yield _Row(cells=(shown(refusals[0].message),))
    if found.missing is not None and len(found.missing.names) > 1:
        yield _Row(cells=("none is given; any one of them would do",))


def _reached(url: str | RefusalError) -> str:
    if isinstance(url, RefusalError):
        return "none" if url.code is Code.NO_SURFACE else f"none: {shown(url.message)}"
    return shown(url)


def _url(surface: Surface) -> Iterator[_Row]:
    yield _Row(cells=(surface.protocol.value, _reached(surface.url)))
    for variable in surface.variables:
        otherwise = (
            "" if variable.default is None else f", else {shown(variable.default) or _NOTHING}"
        )
        said = f"{{{shown(variable.placeholder)}}} is {shown(variable.env)}{otherwise}"
        yield _Row(cells=("", said), span=variable.env.span)


def _surfaces(found: Explanation) -> Iterator[_Row]:
    rows = [row for surface in found.surfaces for row in _url(surface)]
    for index, row in enumerate(rows):
        yield _Row(label="" if index else "endpoint", cells=row.cells, span=row.span)


_PAYER = {
    Mode.PLATFORM_MANAGED: "the platform pays",
    Mode.BYOK: "the tenant pays, with its own key",
    Mode.DISABLED: "nobody: the workspace is disabled",
}
_SOURCE = {
    BillingSource.WORKSPACE_OVERRIDE: "the workspace's override",
    BillingSource.DERIVED_PROVIDER: "the provider decides",
    BillingSource.DERIVED_DEFAULT: "the deployment's default, since no provider was derived",
}


def _payer(billing: Billing) -> str:
    said = _PAYER[Mode(billing.mode)]
    return f"{said} ({billing.mode}: {_SOURCE[billing.source]})"


def _billing(found: Explanation) -> Iterator[_Row]:
    yield _Row(label="payer", cells=(_payer(found.billing),))
    override = found.question.override
    if override is not None and found.billing.source is not BillingSource.WORKSPACE_OVERRIDE:
        yield _Row(cells=(f"the override {shown(override)!r} is no mode and is ignored",))


def _selection(found: Explanation) -> Iterator[_Row]:
    allowed = "may" if found.validation.is_allowed else "may not"
    said = f"{found.validation.verdict}: a workspace {allowed} be created with it"
    yield _Row(label="verdict", cells=(said,))
    if found.provider is not None and found.question.auth_env and not found.validation.is_allowed:
        yield _Row(cells=("a verdict does not count the names that are given",))


# "suggest_models" says which refusals offer the menu; an unknown runtime offers its neighbours.
_WITH_SUGGESTIONS = (Code.UNREGISTERED_MODEL, Code.WITHDRAWN_MODEL, Code.UNKNOWN_RUNTIME)


def _outcome(found: Explanation) -> Iterator[_Row]:
    provider, refusal = found.provider, found.refusal
    if provider is not None:
        said = f"{shown(provider.name)} ({shown(provider.display_name)})"
        yield _Row(label="provider", cells=(said,), span=provider.name.span)
    if refusal is not None:
        yield _Row(label="refused", cells=(f"{refusal.code}: {shown(refusal.message)}",))
        if refusal.reason is not None:
            yield _Row(cells=(f"the reason: {shown(refusal.reason)}",))
        near = _names(refusal.suggestions or found.runtimes)
        if near or refusal.code in _WITH_SUGGESTIONS:
            yield _Row(label="nearest", cells=(near or "nothing is near",))


def _wire(found: Explanation) -> Iterator[_Row]:
    if found.wire_model is not None and found.wire_model != found.trace.trimmed:
        yield _Row(label="wire model", cells=(shown(found.wire_model),))


_STEPS = (_trim, _runtime, _listed, _pattern, _auth_env)
_CONSEQUENCES = (_outcome, _selection, _billing, _surfaces, _wire, _credentials)


def text(sources: Sources, found: Explanation) -> str:
    """Return an explanation as lines: the steps, an empty line, and what follows from them."""
    steps = [line for step in _STEPS for line in _lines(sources, step(found))]
    rest = [line for part in _CONSEQUENCES for line in _lines(sources, part(found))]
    return "\n".join([*steps, "", *rest])
