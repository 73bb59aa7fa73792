"""Rules about endpoints: placeholders of base URLs and the variables behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codegen.diagnostics import Diagnostic
from codegen.ir import Provider, Registry, Text
from codegen.nearest import did_you_mean
from codegen.rules import found

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _urls(provider: Provider) -> Iterator[Text]:
    for url in (provider.base_url_template, provider.base_url_anthropic):
        if url is not None:
            yield url


def _placeholders(provider: Provider) -> set[str]:
    return {name for url in _urls(provider) for name in _PLACEHOLDER.findall(url)}


def unknown_placeholder(registry: Registry) -> Iterator[Diagnostic]:
    """Every placeholder of a base URL is one of endpoint_vars (semantics: `endpoint`)."""
    for provider in registry.providers:
        known = [variable.placeholder for variable in provider.endpoint_vars]
        for url in _urls(provider):
            for name in _PLACEHOLDER.findall(url):
                if name not in known:
                    yield found(
                        "unknown_placeholder",
                        url.span,
                        f"{{{name}}} is not one of the endpoint_vars",
                        hint=did_you_mean(name, known) or f"add endpoint_vars.{name}",
                    )


def stray_brace(registry: Registry) -> Iterator[Diagnostic]:
    """A brace in a base URL begins or ends a placeholder, and nothing else."""
    for provider in registry.providers:
        for url in _urls(provider):
            if re.search(r"[{}]", _PLACEHOLDER.sub("", url)):
                yield found(
                    "stray_brace",
                    url.span,
                    "a brace here belongs to no {placeholder}",
                    hint="write {name}, with letters, digits and _",
                )


def unused_endpoint_var(registry: Registry) -> Iterator[Diagnostic]:
    """An endpoint variable that no URL uses is a rename that was left half done."""
    for provider in registry.providers:
        used = _placeholders(provider)
        for variable in provider.endpoint_vars:
            if variable.placeholder not in used:
                yield found(
                    "unused_endpoint_var",
                    variable.placeholder.span,
                    f"no base URL contains {{{variable.placeholder}}}",
                    hint=did_you_mean(variable.placeholder, sorted(used)) or "remove it",
                )
