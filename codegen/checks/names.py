"""Rules about names: what they may contain, and that each is there once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codegen.checks.repeats import first_here, repeats
from codegen.diagnostics import Diagnostic
from codegen.identifiers import confusable_key
from codegen.ir import Registry, Text
from codegen.routing import trim
from codegen.rules import found

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._-][A-Za-z0-9]+)*")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _all_names(registry: Registry) -> Iterator[tuple[str, Text]]:
    yield from (("provider", provider.name) for provider in registry.providers)
    yield from (("runtime", runtime.name) for runtime in registry.runtimes)


def malformed_name(registry: Registry) -> Iterator[Diagnostic]:
    """A name could not become an identifier in every language.

    Names of providers and runtimes become constants, types and keys in Python, Go and
    TypeScript.

    Fails::

        providers:
          - name: acme ai

    Passes::

        providers:
          - name: acme-ai

    Mend: begin with a letter; go on with letters and digits, joined by single - _ or dots.
    """
    for kind, name in _all_names(registry):
        if not _NAME.fullmatch(name):
            yield found(
                "malformed_name",
                name.span,
                f'"{name}" cannot be the name of a {kind}',
                hint="begin with a letter; then letters and digits, joined by single - _ or .",
            )


def duplicate_provider(registry: Registry) -> Iterator[Diagnostic]:
    """Two providers have one name.

    Everything refers to a provider by its name, so a name stands for one.

    Fails::

        providers:
          - name: acme
          - name: acme

    Passes::

        providers:
          - name: acme
          - name: acme-eu

    Mend: rename one of the two, or merge them.
    """
    names = (provider.name for provider in registry.providers if not provider.is_platform)
    for later, notes in repeats(names):
        message = f'there are two providers called "{later}"'
        hint = "rename one of the two, or merge them"
        yield found("duplicate_provider", later.span, message, hint=hint, notes=notes)


def duplicate_upstream_vendor(registry: Registry) -> Iterator[Diagnostic]:
    """Two providers claim the same upstream vendor.

    A proxy resolves `vendor/model` to one provider (semantics: `resolve_upstream`).

    Fails::

        providers:
          - name: acme
            upstream_vendor: acme
          - name: acme-eu
            upstream_vendor: acme

    Passes::

        providers:
          - name: acme
            upstream_vendor: acme
          - name: acme-eu

    Mend: keep the vendor on the provider that a proxy should use.
    """
    vendors = (p.upstream_vendor for p in registry.providers if p.upstream_vendor is not None)
    for later, notes in repeats(vendors):
        message = f'two providers claim the upstream vendor "{later}"'
        hint = "keep it on the provider that a proxy should use"
        yield found("duplicate_upstream_vendor", later.span, message, hint=hint, notes=notes)


def confusable_names(registry: Registry) -> Iterator[Diagnostic]:
    """Two names differ only in case and punctuation.

    They would become the same identifier in the generated code, and the same word to people.

    Fails::

        providers:
          - name: open-ai
          - name: openai

    Passes::

        providers:
          - name: openai
          - name: openai-eu

    Mend: give one of them another name.
    """
    first: dict[tuple[str, str], Text] = {}
    for kind, name in _all_names(registry):
        earlier = first.setdefault((kind, confusable_key(name)), name)
        if earlier != name and _NAME.fullmatch(name):
            message = f'the {kind}s "{earlier}" and "{name}" differ only in case and punctuation'
            hint = "give one of them another name"
            yield found(
                "confusable_names", name.span, message, hint=hint, notes=first_here(earlier)
            )


def _env_names(registry: Registry) -> Iterator[Text]:
    for provider in registry.providers:
        yield from provider.auth_env
        yield provider.auth_token_env
        yield from (variable.env for variable in provider.endpoint_vars)
    yield from (header.env for header in registry.credential_headers)


def malformed_env_name(registry: Registry) -> Iterator[Diagnostic]:
    """A text stands where the name of an environment variable belongs, and cannot be one.

    It may be a key itself, pasted in place of the name of its variable. A value never enters a
    manifest.

    Fails::

        providers:
          - name: acme
            auth_env: [ACME-API-KEY]

    Passes::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY]

    Mend: use letters, digits and underscores, not beginning with a digit.
    """
    for name in _env_names(registry):
        if name and not _ENV_NAME.fullmatch(name):
            message = f'"{name}" cannot be the name of an environment variable'
            hint = "letters, digits and _, not beginning with a digit"
            yield found("malformed_env_name", name.span, message, hint=hint)


def _ids(registry: Registry) -> Iterator[Text]:
    for provider in registry.providers:
        yield from provider.model_aliases
        yield from provider.examples
    for runtime in registry.runtimes:
        for arm in runtime.arms:
            yield from arm.models
            yield from (gone.id for gone in arm.withdrawn)
        if runtime.default_model is not None:
            yield runtime.default_model


def untrimmed_id(registry: Registry) -> Iterator[Diagnostic]:
    """An id begins or ends with white space.

    Requests are trimmed before they are looked up (semantics: Model ids), so none can name it.

    Fails::

        providers:
          - name: acme
            examples: ["acme-1 "]

    Passes::

        providers:
          - name: acme
            examples: ["acme-1"]

    Mend: remove the white space.
    """
    for model in _ids(registry):
        if trim(model) != model:
            yield found(
                "untrimmed_id",
                model.span,
                "the id begins or ends with white space, so no request can ever name it",
                hint=f'write "{trim(model)}"',
            )
