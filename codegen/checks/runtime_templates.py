"""Rules about a runtime's own template: what it offers, against what the registry decides.

Their functions take a judged template, not a registry, so they are not among `checks.CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from codegen.diagnostics import Diagnostic, Note
from codegen.ir import PLATFORM, Provider, Text
from codegen.nearest import did_you_mean, nearest
from codegen.routing import Step, Verdict, derive_provider, quoted
from codegen.rules import found
from codegen.runtime_templates import Judged, JudgedTemplate
from codegen.source import Span


def _or(words: Iterable[str]) -> str:
    """Return words as a choice.

    >>> _or(["a", "b", "c"])
    'a, b or c'
    """
    *rest, last = words
    return f"{', '.join(rest)} or {last}" if rest else last


def _named(judged: JudgedTemplate, offer: Judged, model: str) -> str:
    """Return an id to take instead, and who pays for it where one would not expect that."""
    provider = derive_provider(judged.registry, judged.runtime.name, model)
    if provider.is_platform == (offer.offer.tag == PLATFORM):
        return quoted(model)
    return f"{quoted(model)} (the {'platform' if provider.is_platform else 'tenant'} pays)"


def _instead(judged: JudgedTemplate, offer: Judged, otherwise: str) -> str:
    """Return the question for the ids to take instead of a refused one."""
    words = [_named(judged, offer, model) for model in offer.suggestions]
    return f"did you mean {_or(words)}?" if words else otherwise


def _candidates(offer: Judged) -> tuple[str, ...]:
    """Return the providers among which nothing decides; none for an id that none matches."""
    return offer.refusal.candidates if offer.refusal is not None else ()


def _refused(judged: JudgedTemplate, offer: Judged) -> str:
    """Return why an id that is not withdrawn has no provider."""
    model, runtime = quoted(offer.offer.model), quoted(judged.runtime.name)
    if _candidates(offer):
        names = ", ".join(_candidates(offer))
        return f"{model} is ambiguous on {runtime} where no variable is set: {names} match it"
    return f"no arm of {runtime} lists or matches {model}"


def _gone(judged: JudgedTemplate, offer: Judged) -> str:
    """Return that an id is withdrawn, and why where the manifest says it."""
    withdrawn = offer.trace.withdrawn
    reason = f": {withdrawn.reason}" if withdrawn is not None and withdrawn.reason else ""
    return f"{quoted(offer.offer.model)} is withdrawn on {quoted(judged.runtime.name)}{reason}"


def _why(offer: Judged) -> list[Note]:
    """Return the place in the manifest that gave an id its provider."""
    arm, decision = offer.arm, offer.decision
    if arm is None or decision is None:
        return []
    name = decision.provider.name
    if decision.step is Step.PATTERN:
        message = f'the pattern of "{name}" matches it'
        return [Note(span=decision.provider.pattern.text.span, message=message)]
    listed = (model for model in arm.models if model == decision.model)
    return [Note(span=model.span, message=f'the arm of "{name}" lists it') for model in listed]


def _tagged(judged: JudgedTemplate) -> Iterator[tuple[Judged, Text]]:
    """Yield the offers that say who serves them, with what they say."""
    for offer in judged.offers:
        if offer.offer.tag is not None and offer.verdict is not Verdict.EMPTY:
            yield offer, offer.offer.tag


def _listed(judged: JudgedTemplate, provider: Provider | None) -> tuple[Text, ...]:
    """Return the ids that the arm of a provider lists."""
    arms = judged.registry.arms(judged.runtime)
    return tuple(model for arm, each in arms if each is provider for model in arm.models)


def _is_reached(judged: JudgedTemplate, model: str, provider: Provider) -> bool:
    """Tell whether some variable of a provider makes it the one that serves an allowed id."""
    runtime = judged.runtime.name
    return any(
        derive_provider(judged.registry, runtime, model, [name]) is provider
        for name in provider.auth_env
    )


# what may be offered


def unregistered_model(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A runtime's template offers an id that nobody serves on the runtime.

    No arm of the runtime lists the id, and no pattern of its arms matches it, or those of several
    do and nothing tells them apart. A workspace that somebody creates with it is refused
    (semantics: `validate_model`).

    Fails::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models: [amce-1]

    Passes::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models: [acme-1]

    Mend: correct the id, take it off the template, or give the runtime an arm for it.
    """
    for offer in judged.offers:
        if offer.verdict is Verdict.UNREGISTERED:
            in_manifest = "list it on one of these arms" if _candidates(offer) else "give it an arm"
            otherwise = f"take it off the template, or {in_manifest} in the manifest"
            message, hint = _refused(judged, offer), _instead(judged, offer, otherwise)
            yield found("unregistered_model", offer.offer.id.span, message, hint=hint)


def withdrawn_model(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A runtime's template offers an id that was withdrawn from the runtime.

    Workspaces that run on it go on, and no new one may be created with it. A template is what
    new ones are made from.

    Fails::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-2]
                withdrawn_models:
                  - {id: acme-1, reason: too old, replacement: acme-2}
        # template.yaml
        runtime_config:
          models: [acme-1]

    Passes::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-2]
                withdrawn_models:
                  - {id: acme-1, reason: too old, replacement: acme-2}
        # template.yaml
        runtime_config:
          models: [acme-2]

    Mend: offer the replacement, or take the id off the template.
    """
    for offer in judged.offers:
        gone = offer.trace.withdrawn
        if offer.verdict is Verdict.WITHDRAWN and gone is not None:
            hint = _instead(judged, offer, "take it off the template")
            if gone.replacement is not None and gone.replacement in offer.suggestions:
                hint = f"offer its replacement {_named(judged, offer, gone.replacement)}"
            notes = [Note(span=gone.id.span, message="withdrawn here")]
            message, span = _gone(judged, offer), offer.offer.id.span
            yield found("withdrawn_model", span, message, hint=hint, notes=notes)


def unresolved_default(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """The default model of a runtime's template is refused by the registry.

    Everybody who chooses no model gets this one, and no workspace starts with it
    (semantics: `validate_model`).

    Fails::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          model: amce-1
          models: [acme-1]

    Passes::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          model: acme-1
          models: [acme-1]

    Mend: make one of the ids that the template offers, and that are allowed, the default.
    """
    default = judged.default
    if default is None or default.verdict not in (Verdict.UNREGISTERED, Verdict.WITHDRAWN):
        return
    is_gone = default.verdict is Verdict.WITHDRAWN
    reason = _gone(judged, default) if is_gone else _refused(judged, default)
    allowed = (Verdict.LISTED, Verdict.ROUTABLE)
    first = next((each.offer.model for each in judged.offers if each.verdict in allowed), None)
    otherwise = "remove it" if first is None else f"take another one, such as {quoted(first)}"
    message = f"the default model does not resolve: {reason}"
    hint = _instead(judged, default, otherwise)
    yield found("unresolved_default", default.offer.id.span, message, hint=hint)


def unoffered_default(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """The default model of a runtime's template is not among the ids that it offers.

    Who has chosen another id cannot come back to the default, because it is nowhere to be chosen.

    Fails::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1, acme-2]
        # template.yaml
        runtime_config:
          model: acme-2
          models: [acme-1]

    Passes::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1, acme-2]
        # template.yaml
        runtime_config:
          model: acme-2
          models: [acme-1, acme-2]

    Mend: offer it as well, or make an offered id the default.
    """
    default, offered = judged.default, [offer.offer.model for offer in judged.offers]
    is_allowed = default is not None and default.verdict in (Verdict.LISTED, Verdict.ROUTABLE)
    if default is None or not is_allowed or not offered or default.offer.model in offered:
        return
    message = f"the default model {quoted(default.offer.model)} is not among the ids on offer"
    hint = did_you_mean(default.offer.model, offered) or "offer it as well"
    yield found("unoffered_default", default.offer.id.span, message, hint=hint)


# who serves it, and who pays


def unknown_provider_tag(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A template says that an id is served by a provider that the manifest does not have.

    The tag `provider` beside an id is the name of a provider, letter by letter. Any other word,
    `Platform` too, tells nobody who serves the model and who pays.

    Fails::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models:
            - {id: acme-1, provider: Acme}

    Passes::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models:
            - {id: acme-1, provider: acme}

    Mend: write the name of the provider that serves the id, or remove the tag.
    """
    names = [provider.name for provider in judged.registry.providers]
    for offer, tag in _tagged(judged):
        if tag not in names:
            hint = did_you_mean(tag, names) or "remove the tag"
            if offer.provider is not None:
                hint = f'write "{offer.provider.name}", which serves it, or remove the tag'
            message = f"no provider is called {quoted(tag)}"
            yield found("unknown_provider_tag", tag.span, message, hint=hint, notes=_why(offer))


def foreign_provider_tag(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A template says that an id is served by one provider, and another one serves it.

    Who reads the tag sets the key of the wrong vendor, and the first request fails. Where several
    arms list an id, and a variable of the tagged provider selects it, the tag is right.

    Fails::

        # providers.yaml
        providers:
          - name: acme
          - name: zenith
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
              - name: zenith
                models: [zenith-1]
        # template.yaml
        runtime_config:
          models:
            - {id: acme-1, provider: zenith}

    Passes::

        # providers.yaml
        providers:
          - name: acme
          - name: zenith
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
              - name: zenith
                models: [zenith-1]
        # template.yaml
        runtime_config:
          models:
            - {id: acme-1, provider: acme}

    Mend: name the provider that serves the id, or offer an id that the named one serves.
    """
    for offer, tag in _tagged(judged):
        provider, meant = offer.provider, judged.registry.provider(tag)
        if provider is None or meant is None or provider.is_platform or meant.is_platform:
            continue
        if provider is meant or _is_reached(judged, offer.offer.model, meant):
            continue
        message = f'{quoted(offer.offer.model)} is tagged "{tag}", but "{provider.name}" serves it'
        keys = _or(provider.auth_env)
        hint = f'write "{provider.name}", which takes {keys}, or remove the tag'
        yield found("foreign_provider_tag", tag.span, message, hint=hint, notes=_why(offer))


def unlisted_platform_tag(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A template tags an id as the platform's, and the platform's arm does not list it.

    `platform` tells the tenant that no key is needed, because the platform pays. The platform
    pays for what its arm of the runtime lists. Any other id is served by somebody whose key the
    tenant lacks, or by nobody; or it only begins like an id of the platform, which may not exist.

    Fails::

        # providers.yaml
        providers:
          - name: platform
          - name: acme
        runtimes:
          agent:
            providers:
              - name: platform
                models: [platform/acme-1]
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models:
            - {id: acme-1, provider: platform}

    Passes::

        # providers.yaml
        providers:
          - name: platform
          - name: acme
        runtimes:
          agent:
            providers:
              - name: platform
                models: [platform/acme-1]
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models:
            - {id: platform/acme-1, provider: platform}
            - {id: acme-1}

    Mend: offer the platform's own id, or remove the tag where the tenant is to pay.
    """
    listed = _listed(judged, judged.registry.provider(PLATFORM))
    for offer, tag in _tagged(judged):
        is_platform = offer.provider is not None and offer.provider.is_platform
        if tag == PLATFORM and not (is_platform and offer.offer.model in listed):
            instead = _instead_of_platform(judged, offer, listed)
            message = f'{quoted(offer.offer.model)} is tagged "{PLATFORM}", but {instead}'
            hint = _platform_hint(offer, listed)
            yield found("unlisted_platform_tag", tag.span, message, hint=hint, notes=_why(offer))


def _instead_of_platform(judged: JudgedTemplate, offer: Judged, listed: tuple[Text, ...]) -> str:
    """Return who pays for an id that is wrongly tagged as the platform's."""
    provider, runtime = offer.provider, quoted(judged.runtime.name)
    lacks = f"the platform's arm of {runtime} does not list it"
    if provider is not None and provider.is_platform:
        return f"{lacks}: it only begins like an id of the platform"
    if provider is not None:
        also = ", unless a variable of the platform is set" if offer.offer.model in listed else ""
        return f'"{provider.name}" serves it, and the tenant pays{also}'
    return lacks if listed else f"{runtime} has no arm of the platform"


def _platform_hint(offer: Judged, listed: tuple[Text, ...]) -> str:
    """Return what to write: an id that the platform does list, or who serves this one."""
    provider, near = offer.provider, _alike(offer.offer.model, listed)
    if offer.offer.model in listed:
        return "list it on one of the two arms in the manifest, so that no variable decides"
    wanted = "" if near is None else f"offer {quoted(near)}, which the platform pays for"
    if provider is None or provider.is_platform:
        return wanted or "remove the tag, or list the id in the platform's arm in the manifest"
    tenant = f'write "{provider.name}", or no tag, if the tenant is to pay'
    return f"{wanted}; or {tenant}" if wanted else tenant


def _bare(model: str) -> str:
    """Return an id without the vendors before it.

    >>> _bare("openrouter:moonshot/kimi-k2.5")
    'kimi-k2.5'
    """
    return model.rpartition("/")[2].rpartition(":")[2]


def _alike(model: str, listed: tuple[Text, ...]) -> str | None:
    """Return which of the listed ids is the same model, or else the nearest."""
    same = (each for each in listed if _bare(each) == _bare(model))
    return next(same, None) or next(iter(nearest(model, listed, most=1)), None)


def platform_behind_tag(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A template tags an id as a vendor's, and the platform serves it and pays.

    The tenant reads the tag, brings a key of its own, and is billed by the platform all the same:
    the key is never used. The id decides who pays, not the tag and not the key
    (semantics: `resolve_billing_mode`).

    Fails::

        # providers.yaml
        providers:
          - name: platform
          - name: acme
        runtimes:
          agent:
            providers:
              - name: platform
                models: [acme/acme-1]
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models:
            - {id: acme/acme-1, provider: acme}

    Passes::

        # providers.yaml
        providers:
          - name: platform
          - name: acme
        runtimes:
          agent:
            providers:
              - name: platform
                models: [acme/acme-1]
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models:
            - {id: acme-1, provider: acme}

    Mend: offer the vendor's own id, or tag this one as the platform's.
    """
    for offer, tag in _tagged(judged):
        provider, meant = offer.provider, judged.registry.provider(tag)
        if provider is None or meant is None or meant.is_platform or not provider.is_platform:
            continue
        if _is_reached(judged, offer.offer.model, meant):
            continue
        message = (
            f'{quoted(offer.offer.model)} is tagged "{tag}", but the platform serves and bills it: '
            "a key of the tenant is not used"
        )
        near = _alike(offer.offer.model, _listed(judged, meant))
        wanted = f"offer {quoted(near)}, which the tenant pays for; or " if near else ""
        hint = f'{wanted}write "{provider.name}" if the platform is to pay'
        yield found("platform_behind_tag", tag.span, message, hint=hint, notes=_why(offer))


def missing_platform_tag(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A template tags some ids as the platform's, and leaves the tag off another such id.

    Beside the tagged ones, an id without the tag reads as one that needs a key of the tenant's.
    The tenant brings the key, and is billed by the platform all the same.

    Fails::

        # providers.yaml
        providers:
          - name: platform
        runtimes:
          agent:
            providers:
              - name: platform
                models: [platform/acme-1, platform/acme-2]
        # template.yaml
        runtime_config:
          models:
            - {id: platform/acme-1, provider: platform}
            - {id: platform/acme-2}

    Passes::

        # providers.yaml
        providers:
          - name: platform
        runtimes:
          agent:
            providers:
              - name: platform
                models: [platform/acme-1, platform/acme-2]
        # template.yaml
        runtime_config:
          models:
            - {id: platform/acme-1, provider: platform}
            - {id: platform/acme-2, provider: platform}

    Mend: tag every id that the platform pays for, or none.
    """
    tagged = (tag for _, tag in _tagged(judged) if tag == PLATFORM)
    first = next(tagged, None)
    for offer in judged.offers:
        pays = offer.provider is not None and offer.provider.is_platform
        if first is not None and pays and offer.offer.tag is None:
            message = f"the platform pays for {quoted(offer.offer.model)}, and no tag says so"
            notes = [Note(span=first.span, message="the tag of another id"), *_why(offer)]
            hint = f"write {{id: {offer.offer.model}, provider: {PLATFORM}}}"
            span = offer.offer.id.span
            yield found("missing_platform_tag", span, message, hint=hint, notes=notes)


# how the ids are written


def doubled_offer(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A list of a runtime's template offers an id twice.

    One of the two is left behind when the other one is edited. Where their tags differ, nobody
    can tell who pays.

    Fails::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models: [acme-1, acme-1]

    Passes::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models: [acme-1]

    Mend: keep one of the two.
    """
    first: dict[tuple[Span, str], Judged] = {}
    for offer in judged.offers:
        earlier = first.setdefault((offer.offer.within, offer.offer.model), offer)
        if earlier is offer or offer.verdict is Verdict.EMPTY:
            continue
        also = "" if earlier.offer.tag == offer.offer.tag else ", with another tag"
        message = f"{quoted(offer.offer.model)} is on offer twice{also}"
        notes = [Note(span=earlier.offer.id.span, message="first here")]
        span = offer.offer.id.span
        yield found("doubled_offer", span, message, hint="keep one of the two", notes=notes)


def empty_offer(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A runtime's template offers an id that is empty.

    It is null, an empty text, or nothing but white space. Nobody can choose it; and a template
    that takes its ids from variables has lost one.

    Fails::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models: [acme-1, ""]

    Passes::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models: [acme-1]

    Mend: write the id, or remove the item.
    """
    for offer in judged.everything:
        if offer.verdict is Verdict.EMPTY:
            is_default = offer is judged.default
            message = "the default model is empty" if is_default else "the id is empty"
            hint = "write the id, or null" if is_default else "write the id, or remove the item"
            yield found("empty_offer", offer.offer.id.span, message, hint=hint)


def untrimmed_offer(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A runtime's template offers an id with white space around it.

    The registry takes the white space off before it looks (semantics: Model ids). The runtime
    may not, and then asks its vendor for a model that does not exist. A space that comes from a
    web page does not look like one: a no-break space is white space too.

    Fails::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models: ["acme-1 "]

    Passes::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models: [acme-1]

    Mend: remove the white space.
    """
    for offer in judged.everything:
        model = offer.offer.model
        if model and model != offer.offer.id:
            marks = dict.fromkeys(offer.offer.id.replace(model, ""))
            spaces = ", ".join(f"U+{ord(mark):04X}" for mark in marks)
            message = f"{quoted(model)} has white space around it: {spaces}"
            span = offer.offer.id.span
            yield found("untrimmed_offer", span, message, hint=f"write {quoted(model)}")


def blank_template(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """A runtime's template offers no id at all.

    Nothing was checked: the list is empty, or it stands somewhere else, under another or a
    misspelt key. `--select` says where the ids of a template stand.

    Fails::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          modles: [acme-1]

    Passes::

        # providers.yaml
        providers:
          - name: acme
        runtimes:
          agent:
            providers:
              - name: acme
                models: [acme-1]
        # template.yaml
        runtime_config:
          models: [acme-1]

    Mend: correct the key, fill the list, or say with --select where the ids stand.
    """
    for end in judged.template.dead_ends:
        message = f"the template offers no id at {end.pointer.text or 'the top'}"
        hint = "write the ids there, or say with --select where they stand"
        if end.near:
            hint = f'call this key "{end.missing}", or check it with --select {end.near}'
        yield found("blank_template", end.span, message, hint=hint)


TemplateCheck = Callable[[JudgedTemplate], Iterator[Diagnostic]]

TEMPLATE_CHECKS: tuple[TemplateCheck, ...] = (
    unregistered_model,
    withdrawn_model,
    unresolved_default,
    unoffered_default,
    unknown_provider_tag,
    foreign_provider_tag,
    unlisted_platform_tag,
    platform_behind_tag,
    missing_platform_tag,
    doubled_offer,
    empty_offer,
    untrimmed_offer,
    blank_template,
)


def check_template(judged: JudgedTemplate) -> Iterator[Diagnostic]:
    """Yield what every rule about templates finds; unsorted."""
    for rule in TEMPLATE_CHECKS:
        yield from rule(judged)
