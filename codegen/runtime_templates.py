"""A runtime's own template -> the ids that it offers, and what a registry says about each.

Such a template is a file of the runtime, not one of `templates/`, which this compiler renders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from codegen import faults
from codegen.diagnostics import Diagnostic
from codegen.frozen import frozen
from codegen.ir import Arm, Provider, Registry, Runtime, Text
from codegen.pointers import (
    EVERY,
    DeadEnd,
    Pointer,
    Selected,
    dead_end,
    items,
    parse_pointer,
    select,
)
from codegen.routing import (
    Decision,
    RefusalError,
    Trace,
    Verdict,
    suggest_models,
    trace,
    trim,
    validate_model,
)
from codegen.source import NOWHERE, Source, Span
from codegen.syntax import Mapping, Node, Scalar, Sequence

OFFERS = parse_pointer("/runtime_config/models")
DEFAULT = parse_pointer("/runtime_config/model")
ID, TAG = "id", "provider"

# No runtime offers more than people can choose from; each id is asked of every arm.
MAX_OFFERS = 10_000


@frozen
class Offer:
    """An id that a template offers, as it is written, and the provider that it is tagged with.

    `within` is the place of the list that it is on.
    """

    id: Text
    tag: Text | None = None
    within: Span = NOWHERE

    @property
    def model(self) -> str:
        """The id as the registry reads it: trimmed."""
        return trim(self.id)


@frozen
class RuntimeTemplate:
    """What a template offers, in order.

    `default` is the id of `runtime_config.model`, without a tag; None where there is none.
    `dead_ends` is where each pointer ends, for a template in which none selects anything.
    """

    source: Source
    offers: tuple[Offer, ...] = ()
    default: Offer | None = None
    dead_ends: tuple[DeadEnd, ...] = ()


class _Reader:
    """Reads the ids of one template and collects what is at fault with their shape."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def _wrong_type(self, node: Node, expected: str, hint: str) -> None:
        actual = "a list" if isinstance(node, Sequence) else "a mapping"
        self.diagnostics.append(faults.wrong_type(node.span, expected, actual, hint))

    def text(self, node: Node, what: str) -> Text | None:
        """Return a text, the empty one for null; or None for what is no scalar."""
        if not isinstance(node, Scalar):
            self._wrong_type(node, f"{what} is a text", "write one string")
            return None
        if node.kind == "null":
            return Text("", node.span)
        if node.kind != "str":
            fault = faults.unquoted_word(node.span, node.text, node.kind, what)
            self.diagnostics.append(fault)
        return Text(node.text, node.span)

    def default(self, root: Node) -> Offer | None:
        """Return the default model; null is how a template says that it has none."""
        for selected in select(root, DEFAULT):
            node = selected.node
            if not (isinstance(node, Scalar) and node.kind == "null"):
                text = self.text(node, "the default model")
                return None if text is None else Offer(id=text)
        return None

    def offer(self, selected: Selected) -> Offer | None:
        """Return what an item offers: an id, or a mapping that has one."""
        node, within = selected.node, selected.within
        if isinstance(node, Scalar):
            text = self.text(node, "the id")
            return None if text is None else Offer(id=text, within=within)
        if isinstance(node, Sequence):
            self._wrong_type(node, "what a template offers is an id or a mapping", "write an id")
            return None
        values = {key.text: value for key, value in reversed(node.entries)}
        if ID not in values:
            span = node.entries[0][0].span if node.entries else node.span
            self.diagnostics.append(faults.missing_key(span, "item of the template", ID))
            return None
        text = self.text(values[ID], "the id")
        tag = self.text(values[TAG], "the provider") if TAG in values else None
        return None if text is None else Offer(id=text, tag=tag or None, within=within)


def _items(root: Node, pointer: Pointer) -> Iterator[Selected]:
    """Yield what a pointer offers; an id that it names itself comes with its mapping and tag.

    Null offers something as an item of a list alone: elsewhere it is how a list is left out.
    """
    is_id, is_item = pointer.tokens[-1:] == (ID,), pointer.tokens[-1:] == (EVERY,)
    for selected in select(root, pointer.parent if is_id else pointer):
        node = selected.node
        if isinstance(node, Sequence):
            yield from items(node)
        elif isinstance(node, Mapping) or is_item or not (is_id or node.kind == "null"):
            yield selected


def read_template(
    source: Source, root: Node | None, pointers: tuple[Pointer, ...]
) -> tuple[RuntimeTemplate | None, tuple[Diagnostic, ...]]:
    """Read what the pointers select, each item once, and the default model.

    `root` is None for a template that holds nothing. Returns the template, or None where it
    offers too much, and what is at fault with the shape of its items; an item that has no id at
    all is left out.
    """
    template = RuntimeTemplate(source=source)
    if root is None:
        ends = tuple(DeadEnd(pointer=each, span=source.span(0, 0)) for each in pointers)
        return replace(template, dead_ends=ends), ()
    reader = _Reader()
    found = [each for pointer in pointers for each in _items(root, pointer)]
    once = {(each.within, each.index): each for each in found}
    if len(once) > MAX_OFFERS:
        reason, hint = f"it offers more than {MAX_OFFERS:,} ids", "select fewer with --select"
        span = list(once.values())[MAX_OFFERS].node.span
        return None, (faults.unreadable_file(span, reason, hint),)
    offers = [offer for each in once.values() if (offer := reader.offer(each)) is not None]
    ends = () if found else tuple(dead_end(root, pointer) for pointer in pointers)
    read = replace(template, offers=tuple(offers), default=reader.default(root), dead_ends=ends)
    return read, tuple(reader.diagnostics)


@frozen
class Judged:
    """An offer, what `validate_model` says about it, and the decision behind that.

    `suggestions` are ids to take instead of one that is refused, the best first.
    """

    offer: Offer
    verdict: Verdict
    trace: Trace
    suggestions: tuple[str, ...] = ()

    @property
    def decision(self) -> Decision | None:
        """The decision that gave the id a provider, or None where it was refused."""
        return self.trace.outcome if isinstance(self.trace.outcome, Decision) else None

    @property
    def refusal(self) -> RefusalError | None:
        """Why the id has no provider, or None where it has one."""
        return self.trace.outcome if isinstance(self.trace.outcome, RefusalError) else None

    @property
    def provider(self) -> Provider | None:
        """The provider that `derive_provider` gives where no variable is set."""
        return None if self.decision is None else self.decision.provider

    @property
    def arm(self) -> Arm | None:
        """The arm that the provider was found by."""
        arms = (*self.trace.listed, *self.trace.matched)
        return next((arm for arm, provider in arms if provider is self.provider), None)


@frozen
class JudgedTemplate:
    """A template as one runtime of a registry sees it: every offer and the default, judged."""

    template: RuntimeTemplate
    registry: Registry
    runtime: Runtime
    offers: tuple[Judged, ...]
    default: Judged | None

    @property
    def everything(self) -> tuple[Judged, ...]:
        """The offers, and the default behind them."""
        return (*self.offers, *([] if self.default is None else [self.default]))

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many offers have each verdict; an empty id is no id and counts nowhere."""
        counts = Counter(judged.verdict for judged in self.offers)
        counted = (Verdict.LISTED, Verdict.ROUTABLE, Verdict.WITHDRAWN, Verdict.UNREGISTERED)
        return {verdict: counts[verdict] for verdict in counted}

    @property
    def allowed(self) -> int:
        """How many of the ids a workspace may be created with."""
        return self.counts[Verdict.LISTED] + self.counts[Verdict.ROUTABLE]


# To look through a menu takes a millisecond, and a report shows few findings of a rule.
MAX_SUGGESTED = 100
_MOST = 3


class _Judge:
    """Judges the offers of one template, equal ids once."""

    def __init__(self, registry: Registry, runtime: Runtime) -> None:
        self.registry = registry
        self.runtime = runtime
        self._known: dict[str, tuple[Verdict, Trace, tuple[str, ...]]] = {}
        self._suggested = 0

    def judged(self, offer: Offer) -> Judged:
        if offer.model not in self._known:
            self._known[offer.model] = self._judgement(offer.model)
        verdict, traced, suggestions = self._known[offer.model]
        return Judged(offer=offer, verdict=verdict, trace=traced, suggestions=suggestions)

    def _judgement(self, model: str) -> tuple[Verdict, Trace, tuple[str, ...]]:
        validation = validate_model(self.registry, self.runtime.name, model)
        traced = trace(self.registry, self.runtime.name, model)
        suggestions = () if validation.is_allowed else self._suggestions(model, traced)
        return validation.verdict, traced, suggestions

    def _suggestions(self, model: str, traced: Trace) -> tuple[str, ...]:
        """Return what to take instead: the replacement, and what the menu has under a near name.

        An id of the menu that lacks nothing but the vendor before it is near, however short.
        """
        self._suggested += 1
        if self._suggested > MAX_SUGGESTED:
            return ()
        bare = {model.partition(separator)[2] for separator in ":/"}
        listed = (each for each in self.runtime.menu if each in bare)
        near = suggest_models(self.registry, self.runtime.name, model)
        gone = () if traced.withdrawn is None else (traced.withdrawn.replacement,)
        instead = (each for each in gone if each is not None and self._is_allowed(each))
        words = (*instead, *near[:1], *listed, *near[1:])
        return tuple(dict.fromkeys(map(str, words)))[:_MOST]

    def _is_allowed(self, model: str) -> bool:
        return validate_model(self.registry, self.runtime.name, model).is_allowed


def judge(template: RuntimeTemplate, registry: Registry, runtime: Runtime) -> JudgedTemplate:
    """Judge what a template offers by what a runtime of a registry allows and derives."""
    bench = _Judge(registry, runtime)
    return JudgedTemplate(
        template=template,
        registry=registry,
        runtime=runtime,
        offers=tuple(bench.judged(offer) for offer in template.offers),
        default=None if template.default is None else bench.judged(template.default),
    )
