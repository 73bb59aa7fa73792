"""An explanation as plain data for programs; docs/schemas/explain.schema.json describes it."""

from __future__ import annotations

from codegen.explanation import Accepted, Explanation, Surface, listing
from codegen.ir import Arm, EndpointVar, Provider
from codegen.report.places import place
from codegen.routing import Credential, Decision, RefusalError, Trace
from codegen.source import Sources, Span

Plain = dict[str, object]


def _location(sources: Sources, span: Span) -> Plain:
    where = place(sources, span)
    return {"path": where.path, "line": where.start.line, "column": where.start.column}


def _listed(sources: Sources, arm: Arm, provider: Provider, model: str) -> Plain:
    return {"provider": provider.name, "location": _location(sources, listing(arm, model))}


def _matched(sources: Sources, provider: Provider) -> Plain:
    pattern = provider.pattern.text
    location = _location(sources, pattern.span)
    return {"provider": provider.name, "pattern": pattern, "location": location}


def _withdrawn(sources: Sources, traced: Trace) -> Plain | None:
    gone = traced.withdrawn
    if gone is None:
        return None
    location = _location(sources, gone.id.span)
    return {"reason": gone.reason, "replacement": gone.replacement, "location": location}


def _steps(sources: Sources, traced: Trace) -> Plain:
    """Return what each step found; what was not reached is null or empty."""
    runtime, decision = traced.runtime, traced.outcome
    names = decision.names if isinstance(decision, Decision) else ()
    left = decision.left if isinstance(decision, Decision) else ()
    return {
        "trimmed": traced.trimmed,
        "runtime": None if runtime is None else {"location": _location(sources, runtime.name.span)},
        "withdrawn": _withdrawn(sources, traced),
        "listed": [_listed(sources, arm, p, traced.trimmed) for arm, p in traced.listed],
        "matched": [_matched(sources, provider) for _, provider in traced.matched],
        "auth_env": {"counted": list(names), "left": [provider.name for provider in left]},
    }


def _refusal(found: Explanation) -> Plain | None:
    refusal = found.refusal
    if refusal is None:
        return None
    return {
        "code": refusal.code.value,
        "message": refusal.message,
        "candidates": list(refusal.candidates),
        "reason": refusal.reason,
        "replacement": refusal.replacement,
        "suggestions": list(refusal.suggestions or found.runtimes),
    }


def _provider(sources: Sources, provider: Provider | None) -> Plain | None:
    if provider is None:
        return None
    return {
        "name": provider.name,
        "display_name": provider.display_name,
        "is_platform": provider.is_platform,
        "location": _location(sources, provider.name.span),
    }


def _variable(variable: EndpointVar) -> Plain:
    return {
        "placeholder": variable.placeholder,
        "env": variable.env,
        "default": variable.default,
    }


def _surface(surface: Surface) -> Plain:
    refused = surface.url if isinstance(surface.url, RefusalError) else None
    return {
        "protocol": surface.protocol.value,
        "url": None if refused is not None else surface.url,
        "refusal": None if refused is None else refused.code.value,
        "variables": [_variable(variable) for variable in surface.variables],
    }


def _sent(protocol: str, credential: Credential | RefusalError) -> Plain:
    if isinstance(credential, RefusalError):
        return {"protocol": protocol, "refusal": credential.code.value}
    return {
        "protocol": protocol,
        "header": credential.header,
        "prefix": credential.prefix,
        "extra_headers": dict(credential.extra_headers),
    }


def _accepted(accepted: Accepted) -> Plain:
    return {
        "name": accepted.name,
        "is_given": accepted.is_given,
        "is_used": accepted.is_used,
        "sent": [_sent(protocol.value, each) for protocol, each in accepted.sent],
    }


def plain(sources: Sources, found: Explanation) -> Plain:
    """Return an explanation as plain data, its parts in the order of the decision."""
    question, billing = found.question, found.billing
    validation, missing = found.validation, found.missing
    return {
        "question": {
            "runtime": question.runtime,
            "model": question.model,
            "auth_env": list(question.auth_env),
            "override": question.override,
            "default_mode": question.default,
            "is_pinned": question.is_pinned,
        },
        "steps": _steps(sources, found.trace),
        "provider": _provider(sources, found.provider),
        "refusal": _refusal(found),
        "verdict": {"verdict": validation.verdict.value, "is_allowed": validation.is_allowed},
        "billing": {"mode": billing.mode, "source": billing.source.value},
        "endpoints": [_surface(surface) for surface in found.surfaces],
        "wire_model": found.wire_model,
        "credentials": [_accepted(accepted) for accepted in found.accepted],
        "missing_credentials": [] if missing is None else list(missing.names),
    }
