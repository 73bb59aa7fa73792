"""The providers themselves, on both sides: credentials, endpoints, vendors, and what people see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codegen.comparison.changes import Change, Kind
from codegen.comparison.menus import extensions, is_reordered
from codegen.impact import Impact
from codegen.ir import PLATFORM, AuthMode, Deprecation, HeaderKind, Provider, Registry, Text
from codegen.routing import RefusalError, resolve_upstream
from codegen.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    """A provider of both sides, each with its registry."""

    old_registry: Registry
    new_registry: Registry
    old: Provider
    new: Provider

    def edit(
        self,
        kind: Kind,
        impact: Impact,
        key: str,
        before: str | None,
        after: str | None,
        span: Span | None = None,
    ) -> Change:
        """Return the change of one key; its place is the provider's name where it has none."""
        return Change(
            impact=impact,
            kind=kind,
            key=key,
            provider=str(self.new.name),
            before=before,
            after=after,
            span=span if span is not None else self.new.name.span,
        )


def _plain(text: str | None) -> str | None:
    return None if text is None else str(text)


def _span(text: Text | None) -> Span | None:
    return None if text is None else text.span


def _listed(texts: Iterable[str]) -> str | None:
    return ", ".join(texts) or None


# credentials


def _weight_of_names(before: Iterable[str], after: Iterable[str]) -> Impact:
    """Return what a change of the accepted names does.

    With names only added at the end, a workspace goes on sending the key that it sent.
    """
    olds, news = list(before), list(after)
    return Impact.COMPATIBLE if news[: len(olds)] == olds else Impact.BREAKING


_HEADERS = {HeaderKind.BEARER: "Authorization: Bearer", HeaderKind.X_API_KEY: "x-api-key"}


def _credentials(both: _Both) -> Iterator[Change]:
    old, new = both.old, both.new
    if old.auth_env != new.auth_env:
        weight = _weight_of_names(old.auth_env, new.auth_env)
        names = _listed(old.auth_env), _listed(new.auth_env)
        place = new.auth_env[0].span if new.auth_env else None
        yield both.edit(Kind.CREDENTIAL, weight, "auth_env", *names, place)
    if old.auth_token_env != new.auth_token_env:
        tokens = str(old.auth_token_env), str(new.auth_token_env)
        span = new.auth_token_env.span
        yield both.edit(Kind.CREDENTIAL, Impact.BREAKING, "auth_token_env", *tokens, span)
    if old.auth_mode is not new.auth_mode:
        modes = old.auth_mode.value, new.auth_mode.value
        yield both.edit(Kind.CREDENTIAL, Impact.BREAKING, "auth_mode", *modes)
    yield from _headers(both)


def _headers(both: _Both) -> Iterator[Change]:
    """Yield the names that go on being accepted, and travel in another header."""
    if AuthMode.OAUTH in (both.old.auth_mode, both.new.auth_mode):
        return
    places = {str(header.env): header.env.span for header in both.new_registry.credential_headers}
    for name in both.new.auth_env:
        before = both.old_registry.header_kind(both.old, name)
        after = both.new_registry.header_kind(both.new, name)
        if name in both.old.auth_env and before is not after:
            kinds = _HEADERS[before], _HEADERS[after]
            span = places.get(str(name), name.span)
            key = f"header of {name}"
            yield both.edit(Kind.CREDENTIAL, Impact.BREAKING, key, *kinds, span)


# endpoints

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _effective(provider: Provider, url: str | None) -> str | None:
    """Return a base URL with each placeholder as a shell would write what replaces it."""
    if url is None:
        return None
    variables = {str(each.placeholder): each for each in provider.endpoint_vars}

    def written(match: re.Match[str]) -> str:
        found = variables.get(match[1])
        if found is None:
            return match[0]
        default = "" if found.default is None else f":-{found.default}"
        return f"${{{found.env}{default}}}"

    return _PLACEHOLDER.sub(written, url)


def _has_only_gained_defaults(old: Provider, new: Provider) -> bool:
    """Tell whether placeholders that had to be set need not be any more, and nothing else."""
    if len(old.endpoint_vars) != len(new.endpoint_vars):
        return False
    pairs = zip(old.endpoint_vars, new.endpoint_vars, strict=True)
    return all(
        (one.placeholder, one.env) == (two.placeholder, two.env)
        and one.default in (None, two.default)
        for one, two in pairs
    )


def _surfaces(both: _Both) -> Iterator[Change]:
    for key in ("base_url_template", "base_url_anthropic"):
        was, goes = getattr(both.old, key), getattr(both.new, key)
        before, after = _effective(both.old, was), _effective(both.new, goes)
        if before == after:
            continue
        is_gain = before is None or (was == goes and _has_only_gained_defaults(both.old, both.new))
        impact = Impact.COMPATIBLE if is_gain else Impact.BREAKING
        yield both.edit(Kind.ENDPOINT, impact, key, before, after, _span(goes))


def _endpoints(both: _Both) -> Iterator[Change]:
    old, new = both.old, both.new
    yield from _surfaces(both)
    if (old.wire_model_prefix or "") != (new.wire_model_prefix or ""):
        prefixes = _plain(old.wire_model_prefix), _plain(new.wire_model_prefix)
        span = _span(new.wire_model_prefix)
        yield both.edit(Kind.ENDPOINT, Impact.BREAKING, "wire_model_prefix", *prefixes, span)
    if old.protocol is not new.protocol:
        protocols = old.protocol.value, new.protocol.value
        yield both.edit(Kind.ENDPOINT, Impact.BREAKING, "protocol", *protocols)


# upstream vendors


def _vendors(registry: Registry) -> dict[str, Provider]:
    """Return the provider that each vendor resolves to."""
    claimed = ((p.upstream_vendor, p) for p in reversed(registry.providers))
    return {str(vendor): provider for vendor, provider in claimed if vendor is not None}


def _resolved(registry: Registry, vendor: str) -> str | None:
    """Return who answers now for ids with a vendor that a registry may not know."""
    for separator in "/:":
        try:
            return resolve_upstream(registry, f"{vendor}{separator}x").provider
        except RefusalError:
            continue
    return None


def upstreams(old: Registry, new: Registry) -> Iterator[Change]:
    """Yield the vendors that a proxy resolves otherwise, or not any more, or newly."""
    olds, news = _vendors(old), _vendors(new)
    for vendor in dict.fromkeys((*olds, *news)):
        was = str(olds[vendor].name) if vendor in olds else _resolved(old, vendor)
        goes = str(news[vendor].name) if vendor in news else None
        if was == goes and vendor in olds:
            continue
        yield Change(
            impact=_weight_of_move(was, goes),
            kind=Kind.UPSTREAM,
            key=vendor,
            provider=goes if goes is not None else was,
            before=was,
            after=goes,
            span=_span(news[vendor].upstream_vendor) if vendor in news else None,
        )


def _weight_of_move(was: str | None, goes: str | None) -> Impact:
    if was is None or was == goes:
        return Impact.COMPATIBLE
    is_payer_moved = goes is not None and (was == PLATFORM) != (goes == PLATFORM)
    return Impact.BILLING if is_payer_moved else Impact.BREAKING


# what people see


def _deprecation(deprecated: Deprecation | None) -> str | None:
    if deprecated is None:
        return None
    parts = (deprecated.since, deprecated.replacement, deprecated.note)
    return "; ".join(part for part in parts if part) or "yes"


def _shown(
    both: _Both, *, is_moved: bool
) -> Iterator[tuple[str, str | None, str | None, Span | None]]:
    """Yield what nothing decides by: the key, both values, and the place."""
    old, new = both.old, both.new
    for key in ("display_name", "vendor_logo", "tooltip"):
        yield key, _plain(getattr(old, key)), _plain(getattr(new, key)), _span(getattr(new, key))
    for key in ("model_aliases", "examples"):
        lists = getattr(old, key), getattr(new, key)
        yield key, _listed(lists[0]), _listed(lists[1]), next((m.span for m in lists[1]), None)
    if old.deprecated != new.deprecated:
        yield "deprecated", _deprecation(old.deprecated), _deprecation(new.deprecated), None
    if not is_moved:
        texts = old.pattern.text, new.pattern.text
        yield "model_prefix_match", str(texts[0]), str(texts[1]), texts[1].span
    yield from extensions(old.extensions, new.extensions)


def _displays(both: _Both, *, is_moved: bool) -> Iterator[Change]:
    for key, before, after, span in _shown(both, is_moved=is_moved):
        if before != after or key == "deprecated":
            yield both.edit(Kind.DISPLAY, Impact.COSMETIC, key, before, after, span)
    if _is_rewritten(both):
        yield both.edit(Kind.DISPLAY, Impact.COSMETIC, "endpoint_vars", None, None)


def _is_rewritten(both: _Both) -> bool:
    """Tell whether URLs, variables or prefix are written otherwise, and mean the same."""

    def written(p: Provider) -> object:
        return p.base_url_template, p.base_url_anthropic, p.endpoint_vars, p.wire_model_prefix

    return written(both.old) != written(both.new) and not list(_endpoints(both))


# the catalog


def _whole(provider: Provider, *, is_added: bool) -> Change:
    return Change(
        impact=Impact.COMPATIBLE if is_added else Impact.BREAKING,
        kind=Kind.CATALOG,
        key="added" if is_added else "removed",
        provider=str(provider.name),
        span=provider.name.span if is_added else None,
    )


def providers(old: Registry, new: Registry, moved: frozenset[str]) -> Iterator[Change]:
    """Yield what changes about each provider; `moved` are those that movements speak of."""
    for provider in old.providers:
        if new.provider(provider.name) is None:
            yield _whole(provider, is_added=False)
    for provider in new.providers:
        before = old.provider(provider.name)
        if before is None:
            yield _whole(provider, is_added=True)
            continue
        both = _Both(old_registry=old, new_registry=new, old=before, new=provider)
        yield from _credentials(both)
        yield from _endpoints(both)
        yield from _displays(both, is_moved=str(provider.name) in moved)


def _note(
    key: str, span: Span | None = None, before: str | None = None, after: str | None = None
) -> Change:
    return Change(
        impact=Impact.COSMETIC,
        kind=Kind.DISPLAY,
        key=key,
        before=before,
        after=after,
        span=span,
    )


def _unsent(old: Registry, new: Registry) -> Iterator[Change]:
    """Yield the headers of names that no provider of both sides accepts on both."""
    olds = {str(header.env): header for header in old.credential_headers}
    news = {str(header.env): header for header in new.credential_headers}
    common = [(p, new.provider(p.name)) for p in old.providers]
    kept = {
        str(name)
        for one, two in common
        if two is not None
        for name in one.auth_env
        if name in two.auth_env
    }
    for env in dict.fromkeys((*olds, *news)):
        before, after = (table[env].kind.value if env in table else None for table in (olds, news))
        if before != after and env not in kept:
            span = news[env].env.span if env in news else None
            yield _note(f"header of {env}", span, before, after)


def notes(old: Registry, new: Registry) -> Iterator[Change]:
    """Yield what changes about the manifest as a whole and decides nothing."""
    orders = (
        ("order of the providers", old.providers, new.providers),
        ("order of the runtimes", old.runtimes, new.runtimes),
    )
    for key, before, after in orders:
        if is_reordered([str(one.name) for one in before], [str(one.name) for one in after]):
            yield _note(key)
    yield from _unsent(old, new)
    for key, was, goes, span in extensions(old.extensions, new.extensions):
        yield _note(key, span, was, goes)
