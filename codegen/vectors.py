"""Conformance cases: questions over every decision, answered by the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, cycle
from typing import TypeVar

from codegen import routing
from codegen.canonical import fingerprint, plain
from codegen.frozen import frozen
from codegen.ir import Protocol, Provider, Registry, Runtime
from codegen.probes import probe

Json = dict[str, object]

_RULES_PER_PATTERN = 12
_OVERRIDES = (None, "byok", "disabled", "platform_managed", "BYOK", "byok ", "", "none")
_DEFAULTS = ("platform_managed", "byok")
_WHITE_SPACE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_NOT_WHITE_SPACE = "\x00\x1c\x1d\x1e\x1f\u180e\u200b\u2060\ufeff"


@frozen
class Case:
    """A question: the function's name in snake case and its arguments as JSON data."""

    function: str
    arguments: Json


# A runtime is asked where each of its own ids goes, however many it has. For everything else there
# are so many ids of a kind for one runtime, and so many for all of them together, spread evenly over
# what there is: the thousandth like it tells no more.
_MOST = 64
_IN_ALL = 2_048

_Item = TypeVar("_Item")


@frozen
class _Ids:
    """The ids worth asking about.

    By runtime, `own` are all of its own, and `chosen` those of them to ask everything about.
    `catalog` are ids of the whole catalog. `most` is how many of a kind are chosen.
    """

    most: int
    own: dict[str, tuple[str, ...]]
    chosen: dict[str, tuple[str, ...]]
    catalog: tuple[str, ...]

    def routed(self, runtime: str) -> tuple[str, ...]:
        """Return the ids that a runtime is asked to route: some of all, and all of its own."""
        return _distinct((*self.catalog, *self.own[runtime]))


def _spread(items: Sequence[_Item], most: int) -> Sequence[_Item]:
    """Return items spread evenly over a row; all of them where they are few enough."""
    if len(items) <= most:
        return items
    return [items[number * len(items) // most] for number in range(most)]


# which ids


def _runtime_ids(registry: Registry, runtime: Runtime) -> Iterator[list[str]]:
    """Yield the ids of a runtime, kind by kind: listed, withdrawn, and of one arm alone."""
    yield list(runtime.menu)
    yield [gone.id for arm in runtime.arms for gone in arm.withdrawn]
    found = (probe(registry, runtime, provider) for _, provider in registry.arms(runtime))
    yield [model for model in found if model is not None]


def _pattern_ids(provider: Provider) -> Iterator[str]:
    """Yield ids at the edges of a pattern: its literals, and the first ones in capitals."""
    rules = provider.pattern.rules[:_RULES_PER_PATTERN]
    yield from (rule.literal for rule in rules)
    yield from (rule.literal.upper() + "Probe" for rule in rules[:2])


def _provider_ids(provider: Provider) -> Iterator[str]:
    yield from provider.model_aliases
    yield from provider.examples
    yield from _pattern_ids(provider)
    if provider.upstream_vendor is not None:
        yield f"{provider.upstream_vendor}/model"


def _distinct(ids: Iterable[str]) -> tuple[str, ...]:
    """Drop doubles, and the empty id, which has cases of its own."""
    return tuple(dict.fromkeys(str(model) for model in ids if model))


def _ids(registry: Registry) -> _Ids:
    kinds = {str(r.name): tuple(_runtime_ids(registry, r)) for r in registry.runtimes}
    own = {name: _distinct(chain(*rows)) for name, rows in kinds.items()}
    share = max(_IN_ALL // max(len(registry.runtimes), 1), 1)
    most = min(_MOST, share)
    chosen = {
        name: _distinct(chain.from_iterable(_spread(row, most) for row in rows))
        for name, rows in kinds.items()
    }
    owned = (model for provider in registry.providers for model in _provider_ids(provider))
    catalog = _distinct(chain(*own.values(), owned))
    catalog = tuple(_spread(catalog, share))
    return _Ids(most=most, own=own, chosen=chosen, catalog=catalog)


def _hostile(model: str) -> Iterator[str]:
    """Yield an id spoilt in every way in which implementations were seen to differ."""
    yield from (space + model + space for space in _WHITE_SPACE)
    yield from (mark + model + mark for mark in _NOT_WHITE_SPACE)
    yield from (model.upper(), model.swapcase(), model + "\x00tail", model + "\nnext")
    yield from (model.replace("k", "\u212a"), model.replace("s", "\u017f"))
    yield from ("\u212a" + model, model + "\u017f")
    yield from (model.replace("/", ":"), model.replace(":", "/"), model.replace("-", "\u2010"))
    yield from (model + "e\u0301", model + "\u00e9", "\u202e" + model, model + "\U0001f600")
    yield from ("__proto__", "constructor", "toString", '"quoted\\', "\ufffe")


# which questions


def _case(function: str, **arguments: object) -> Case:
    return Case(function=function, arguments=arguments)


def _route_cases(registry: Registry, ids: _Ids) -> Iterator[Case]:
    for runtime in registry.runtimes:
        for model in ids.routed(runtime.name):
            yield _case("derive_provider", runtime=runtime.name, model=model, auth_env=[])
        for model in ids.chosen[runtime.name]:
            yield _case("validate_model", runtime=runtime.name, model=model)
            yield _case("validate_model", runtime=runtime.name, model=model.swapcase())
            yield _case("derive_provider_for_pin", runtime=runtime.name, model=model, auth_env=[])
    for model in ("gpt-5.5", "", " \u3000\t"):
        for runtime_name in ("no-such-runtime", "", "__proto__"):
            yield _case("derive_provider", runtime=runtime_name, model=model, auth_env=[])
            yield _case("validate_model", runtime=runtime_name, model=model)
    for runtime in registry.runtimes:
        yield _case("derive_provider", runtime=runtime.name, model="", auth_env=[])
        yield _case("validate_model", runtime=runtime.name, model=" \u2003 ")


def _auth_sets(providers: tuple[Provider, ...]) -> Iterator[list[str]]:
    """Yield the sets of names that tell providers apart, and those that do not."""
    known = tuple(dict.fromkeys(str(name) for p in providers for name in p.auth_env))
    names = list(_spread(known, _MOST))
    yield from ([name] for name in names)
    yield names
    yield [name for p in _spread(providers, _MOST) for name in p.auth_env[:1]]
    yield ["UNRELATED_KEY", *names[:1]]
    yield ["UNRELATED_KEY"]


def _ties(
    registry: Registry, runtime: Runtime, models: Iterable[str]
) -> Iterator[tuple[str, tuple[Provider, ...]]]:
    """Yield ids that several arms claim, with those: so many for every set of arms that ties."""
    asked: Counter[tuple[str, ...]] = Counter()
    for model in models:
        providers = routing.claimants(registry, runtime.name, model)
        tied = tuple(provider.name for provider in providers)
        asked[tied] += 1
        if len(tied) > 1 and asked[tied] <= _MOST:
            yield model, providers


def _tie_cases(registry: Registry, ids: _Ids) -> Iterator[Case]:
    for runtime in registry.runtimes:
        for model, providers in _ties(registry, runtime, ids.routed(runtime.name)):
            for names in _auth_sets(providers):
                asked: Json = {"runtime": runtime.name, "model": model, "auth_env": names}
                yield _case("derive_provider", **asked)
                yield _case("derive_provider_for_pin", **asked)
                yield _case("missing_credentials", **asked)
                yield _case(
                    "resolve_billing_mode", **asked, override=None, default="byok", pinned=False
                )


def _billing_cases(registry: Registry, ids: _Ids) -> Iterator[Case]:
    overrides, defaults, pins = cycle(_OVERRIDES), cycle(_DEFAULTS), cycle((False, False, True))
    for runtime in registry.runtimes:
        for model in (*ids.chosen[runtime.name], "no such model", ""):
            for override in (None, next(overrides)):
                yield _case(
                    "resolve_billing_mode",
                    runtime=runtime.name,
                    model=model,
                    auth_env=[],
                    override=override,
                    default=next(defaults),
                    pinned=next(pins),
                )


def _missing_cases(registry: Registry, ids: _Ids) -> Iterator[Case]:
    for runtime in registry.runtimes:
        for model in (*ids.chosen[runtime.name], "no such model"):
            providers = routing.claimants(registry, runtime.name, model)
            names = [str(name) for provider in providers[:1] for name in provider.auth_env[-1:]]
            for auth_env in ([], names, ["UNRELATED_KEY"]):
                yield _case(
                    "missing_credentials", runtime=runtime.name, model=model, auth_env=auth_env
                )


def _upstream_cases(registry: Registry, ids: _Ids) -> Iterator[Case]:
    for model in (*ids.catalog, "", ":", "/", "no-vendor/x", " openai/x"):
        yield _case("resolve_upstream", model=model)
    for provider in registry.providers:
        vendor = provider.upstream_vendor
        forms = ("{}/m", "{}:m", "{}/a:b", "{}:a/b", "{}/", "{}", "x/{}/m", " {}/m", "{}/m ")
        for form in forms if vendor is not None else ():
            yield _case("resolve_upstream", model=form.format(vendor))


def _endpoint_cases(registry: Registry) -> Iterator[Case]:
    for provider in registry.providers:
        envs: list[dict[str, str]] = [{}]
        if provider.endpoint_vars:
            names = [str(variable.env) for variable in provider.endpoint_vars]
            envs += [dict.fromkeys(names, ""), {name: f"v{{{name}}}" for name in names}]
        for protocol in (*Protocol, "grpc"):
            for env in envs:
                yield _case(
                    "endpoint", provider=str(provider.name), protocol=str(protocol), env=env
                )
        prefix = provider.wire_model_prefix or ""
        for model in dict.fromkeys(("model", f"{prefix}model", prefix + prefix, "")):
            yield _case("wire_model", provider=str(provider.name), model=model)
    yield _case("endpoint", provider="no-such-provider", protocol="openai", env={})
    yield _case("wire_model", provider="no-such-provider", model="model")


def _credential_cases(registry: Registry) -> Iterator[Case]:
    for provider in registry.providers:
        names = [str(name) for name in provider.auth_env]
        single: list[list[list[str]]] = [[[name]] for name in names]
        layers = [[], [[], ["UNRELATED_KEY"]], [names], [[], names[-1:], names[:1]], *single]
        for protocol in Protocol:
            for given in layers:
                yield _case(
                    "select_credential",
                    provider=str(provider.name),
                    protocol=str(protocol),
                    layers=given,
                )
        yield _case("select_credential", provider=str(provider.name), protocol="grpc", layers=[])
    yield _case("select_credential", provider="no-such-provider", protocol="openai", layers=[])


def _menu_cases(registry: Registry, ids: _Ids) -> Iterator[Case]:
    for name in (*(runtime.name for runtime in registry.runtimes), "no-such-runtime"):
        yield _case("offered_models", runtime=name, auth_env=[])
        yield _case("models_for_runtime", runtime=name)
        yield _case("providers_for_runtime", runtime=name)
    for runtime in registry.runtimes:
        owners = next((found for _, found in _ties(registry, runtime, runtime.menu)), ())
        for names in _auth_sets(owners) if owners else ():
            yield _case("offered_models", runtime=runtime.name, auth_env=names)
        for model in _spread(runtime.menu, ids.most):
            yield from _suggest_cases(runtime.name, model)


def _suggest_cases(runtime: str, model: str) -> Iterator[Case]:
    swapped = model[:1] + model[2:3] + model[1:2] + model[3:]
    for typo in (swapped, model[:-2] + model[-1:], f" {model.upper()}x", model[:1]):
        yield _case("suggest_models", runtime=runtime, model=typo)


def _hostile_cases(registry: Registry, ids: _Ids) -> Iterator[Case]:
    ends = cycle((0, -1))
    for runtime in registry.runtimes:
        model = (ids.own[runtime.name] or ("m",))[next(ends)]
        for spoilt in dict.fromkeys(_hostile(model)):
            yield _case("derive_provider", runtime=runtime.name, model=spoilt, auth_env=[])
            yield _case("validate_model", runtime=runtime.name, model=spoilt)
    for runtime in registry.runtimes[:2]:
        long = "".join(ids.own[runtime.name][-1:]) + "x" * 10_000
        yield _case("derive_provider", runtime=runtime.name, model=long, auth_env=[])
    yield _case("resolve_upstream", model="x" * 10_000)
    yield _case("suggest_models", runtime="no-such-runtime", model="x" * 10_000)


def questions(registry: Registry) -> Iterator[Case]:
    """Yield the questions of the conformance page, in an order that depends on the IR alone."""
    ids = _ids(registry)
    yield _case("constants")
    yield from _route_cases(registry, ids)
    yield from _tie_cases(registry, ids)
    yield from _billing_cases(registry, ids)
    yield from _missing_cases(registry, ids)
    yield from _upstream_cases(registry, ids)
    yield from _endpoint_cases(registry)
    yield from _credential_cases(registry)
    yield from _menu_cases(registry, ids)
    yield from _hostile_cases(registry, ids)


# answers


def _without_empty(data: Json) -> Json:
    return {key: value for key, value in data.items() if value not in (None, "", (), [])}


def _refusal(error: routing.RefusalError) -> Json:
    """Return an error as JSON; what it does not carry is left out."""
    return _without_empty(
        {
            "code": error.code.value,
            "message": error.message,
            "runtime": error.runtime,
            "model": error.model,
            "provider": error.provider,
            "candidates": list(error.candidates),
            "names": list(error.names),
            "reason": error.reason,
            "replacement": error.replacement,
            "suggestions": list(error.suggestions),
        }
    )


def _validation(found: routing.Validation) -> Json:
    return {
        "verdict": found.verdict.value,
        "is_allowed": found.is_allowed,
        "runtime": found.runtime,
        "model": found.model,
        "message": found.message,
        "suggestions": list(found.suggestions),
    }


def _record(value: object) -> Json | None:
    """Return a frozen record as JSON data; None stays None."""
    names: tuple[str, ...] = getattr(value, "__slots__", ())
    return None if value is None else {name: getattr(value, name) for name in names}


def _catalog_provider(registry: Registry, provider: Provider, data: Json) -> Json:
    """Return a provider as the artifacts carry it: no pattern, no extension, plus the payer."""
    kept = {
        key: value
        for key, value in data.items()
        if not key.startswith("x-") and key != "model_prefix_match"
    }
    kept["x_api_key_env"] = list(registry.x_api_key_env(provider))
    return kept | {"is_platform": provider.is_platform}


def _catalog_runtime(runtime: Runtime) -> Json:
    arms = [
        {
            "provider": arm.provider,
            "models": list(arm.models),
            "withdrawn_models": [_record(gone) for gone in arm.withdrawn],
        }
        for arm in runtime.arms
    ]
    return {"name": runtime.name, "arms": arms, "default_model": runtime.default_model}


def _constants(registry: Registry) -> Json:
    data = plain(registry)["providers"]
    assert isinstance(data, list)
    pairs = zip(registry.providers, data, strict=True)
    return {
        "schema_version": registry.schema_version,
        "fingerprint": fingerprint(registry),
        "credential_env_names": list(registry.credential_env_names()),
        "providers": [_catalog_provider(registry, provider, item) for provider, item in pairs],
        "runtimes": [_catalog_runtime(runtime) for runtime in registry.runtimes],
    }


_Answer = Callable[..., object]

_ANSWERS: dict[str, _Answer] = {
    "constants": _constants,
    "derive_provider": lambda *a, **k: routing.derive_provider(*a, **k).name,
    "derive_provider_for_pin": lambda *a, **k: routing.derive_provider_for_pin(*a, **k).name,
    "validate_model": lambda *a, **k: _validation(routing.validate_model(*a, **k)),
    "suggest_models": routing.suggest_models,
    "resolve_billing_mode": lambda *a, **k: _record(routing.resolve_billing_mode(*a, **k)),
    "missing_credentials": lambda *a, **k: _record(routing.missing_credentials(*a, **k)),
    "resolve_upstream": lambda *a, **k: _record(routing.resolve_upstream(*a, **k)),
    "endpoint": routing.endpoint,
    "wire_model": routing.wire_model,
    "select_credential": lambda *a, **k: _record(routing.select_credential(*a, **k)),
    "offered_models": lambda *a, **k: [_record(m) for m in routing.offered_models(*a, **k)],
    "models_for_runtime": routing.models_for_runtime,
    "providers_for_runtime": routing.providers_for_runtime,
}


def answer(registry: Registry, case: Case) -> Json:
    """Return `{"value": …}`, or `{"error": …}` where the reference refuses."""
    try:
        return {"value": _ANSWERS[case.function](registry, **case.arguments)}
    except routing.RefusalError as refused:
        return {"error": _refusal(refused)}


def vectors(registry: Registry) -> Iterator[Json]:
    """Yield every case once: `{"fn", "args", "want"}`."""
    seen: set[str] = set()
    for case in questions(registry):
        key = f"{case.function} {case.arguments!r}"
        if key not in seen:
            seen.add(key)
            yield {"fn": case.function, "args": case.arguments, "want": answer(registry, case)}
