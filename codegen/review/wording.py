"""The words for a change, whatever the format; a voice says how names and ids are set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from codegen.comparison import Change, Comparison, Impact, Kind
from codegen.comparison.outcomes import Movement, Outcome, Scope
from codegen.comparison.regions import Region, Stem
from codegen.frozen import frozen
from codegen.report.wording import counted
from codegen.routing import Code

# How many of a list a sentence names.
_FEW = 5


@frozen
class Voice:
    """How a format sets what comes from a manifest, so that it is safe there.

    `text` is for ids and values, `name` for names of providers, runtimes, variables and keys.
    """

    text: Callable[[str], str]
    name: Callable[[str], str]


def _either(parts: Sequence[str], word: str) -> str:
    """Join parts with commas, and the last one with a word; many are cut.

    >>> _either(["a", "b", "c"], "or")
    'a, b or c'
    """
    few = list(parts[:_FEW])
    if len(parts) > _FEW:
        return ", ".join(few) + f" {word} {len(parts) - _FEW} more"
    return ", ".join(few[:-1]) + f" {word} " + few[-1] if len(few) > 1 else "".join(few)


# regions


def _stem(voice: Voice, stem: Stem, *, says_as_written: bool = False) -> str:
    """Say a stem: a text, with an ellipsis behind it where ids go on."""
    quoted = voice.text(stem.text) + ("" if stem.is_exact else "…")
    if stem.as_written == len(stem.text):
        return quoted + (" as written" if says_as_written else "")
    if stem.as_written:
        head = voice.text(stem.text[: stem.as_written])
        return f"{quoted} ({head} as written, the rest in any case)"
    return f"{quoted} in any case"


def region(voice: Voice, each: Region) -> str:
    """Say which ids a region has."""
    if not each.stem.text and not each.stem.is_exact:
        said = "every other id" if each.without or each.apart else "every id"
    else:
        said = _stem(voice, each.stem)
    if each.without:
        any_case = each.stem.as_written < len(each.stem.text)
        cut = [_stem(voice, stem, says_as_written=any_case) for stem in each.without]
        said += f", but not {_either(cut, 'or')}"
    if each.apart:
        said += f" ({counted(len(each.apart), 'listed id')} apart)"
    return said


def example(voice: Voice, each: Region) -> str:
    """Say an id of a region, for one that has several."""
    return "" if each.is_single else f", for example {voice.text(each.witness)}"


def ids(change: Change) -> str:
    """Say how many ids move, where that is more than one or a range.

    >>> ids(Change(impact=Impact.BILLING, kind=Kind.PAYER, key="route"))
    ''
    """
    if len(change.regions) < 2:
        return ""
    exact = sum(each.is_single for each in change.regions)
    wide = len(change.regions) - exact
    parts = [counted(exact, "id")] if exact else []
    parts += [counted(wide, "range")] if wide else []
    return ", for " + " and ".join(parts)


# movements

_REFUSED = {
    Code.UNREGISTERED_MODEL: "not registered",
    Code.WITHDRAWN_MODEL: "withdrawn",
}


def _outcome(voice: Voice, end: Outcome, *, says_payer: bool) -> str:
    if end.provider is not None:
        payer = "platform pays" if end.is_platform else "BYOK"
        return voice.name(end.provider) + (f" ({payer})" if says_payer else "")
    if end.refusal is Code.AMBIGUOUS_MODEL:
        return f"ambiguous ({_either([voice.name(name) for name in end.candidates], 'or')})"
    return _REFUSED.get(end.refusal, end.refusal.value) if end.refusal is not None else ""


_SCOPES = {Scope.ALL: "", Scope.NEW: "new workspaces", Scope.PINNED: "pinned workspaces"}


def _condition(voice: Voice, each: Movement) -> str:
    """Say for which workspaces a movement holds, and with which variables; "" for all."""
    sets = [" and ".join(map(voice.name, names)) for names in each.given if names]
    parts = [_SCOPES[each.scope]] if each.scope is not Scope.ALL else []
    if sets and () not in each.given:
        parts.append(f"with {_either(sets, 'or')} set")
    return " ".join(parts) + ": " if parts else ""


def movement(voice: Voice, each: Movement, arrow: str) -> str:
    """Say what a decision was and is, and under which condition."""
    says_payer = each.before.is_platform or each.after.is_platform
    before = _outcome(voice, each.before, says_payer=says_payer)
    after = _outcome(voice, each.after, says_payer=says_payer)
    return f"{_condition(voice, each)}{before} {arrow} {after}"


# headlines

_ROUTES = {
    Kind.PAYER: "who pays changes",
    Kind.PROVIDER: "the provider changes",
    Kind.UNROUTABLE: "what was served is refused",
    Kind.ROUTABLE: "what was refused is served",
    Kind.REFUSAL: "what is refused is refused for another reason",
}
_MENU = {
    "added": "the menu gains",
    "restored": "the menu has again, after a withdrawal,",
    "withdrawn": "withdrawn from the menu:",
    "removed": "the menu loses",
    "forgotten": "no longer among the withdrawn:",
}


def _values(voice: Voice, change: Change, arrow: str) -> str:
    if change.before is None and change.after is None:
        return ""
    sides = (change.before, change.after)
    before, after = (voice.text(side) if side is not None else "nothing" for side in sides)
    return f": {before} {arrow} {after}"


def _of_runtime(voice: Voice, change: Change, arrow: str) -> str:
    runtime = voice.name(change.runtime or "")
    models = _either([voice.text(model) for model in change.models], "and")
    if change.key == "route":
        is_new = change.movements[0].is_open
        what = "the platform begins to pay" if is_new else _ROUTES[change.kind]
        return f"{runtime}: {what}{ids(change)}"
    if change.kind is Kind.MENU:
        return f"{runtime}: {_MENU[change.key]} {models}"
    if change.kind is Kind.DEFAULT_MODEL:
        moved = "".join(f" ({movement(voice, each, arrow)})" for each in change.movements)
        return f"{runtime}: the default model{_values(voice, change, arrow)}{moved}"
    if change.kind is Kind.RUNTIME and change.provider is None:
        return f"runtime {runtime} {change.key} ({change.after or change.before})"
    if change.kind is Kind.RUNTIME:
        return f"{runtime}: {change.key} for {voice.name(change.provider or '')}"
    return f"{runtime}: {voice.name(change.key)}" + (f" of {models}" if models else "")


def headline(voice: Voice, change: Change, arrow: str) -> str:
    """Say a change in one line, without its regions."""
    if change.runtime is not None:
        return _of_runtime(voice, change, arrow)
    provider = voice.name(change.provider) if change.provider is not None else ""
    if change.kind is Kind.CATALOG:
        return f"provider {provider} {change.key}"
    if change.kind is Kind.UPSTREAM:
        vendor = f"the upstream vendor {voice.text(change.key)}"
        return f"{vendor}{_values(voice, change, arrow)}"
    subject = f"{provider}: {voice.name(change.key)}" if provider else voice.name(change.key)
    return f"{subject}{_values(voice, change, arrow)}"


# counts


def summary(comparison: Comparison) -> str:
    """Say how many changes there are of each impact, the gravest first."""
    parts = [
        counted(count, f"{impact.value} change")
        for impact, count in comparison.counts().items()
        if count
    ]
    return ", ".join(parts) if parts else "no decision changes"


def verdict(comparison: Comparison) -> str:
    """Say the summary, and where nothing but looks changes, that too."""
    only_looks = bool(comparison.changes) and not comparison.at_least(Impact.COMPATIBLE)
    return summary(comparison) + ("; no decision changes" if only_looks else "")


def cut(parts: Sequence[str], most: int, noun: str) -> Iterator[str]:
    """Yield the first parts, and how many more there are."""
    yield from parts[:most]
    if len(parts) > most:
        yield f"… and {counted(len(parts) - most, f'more {noun}')}"
