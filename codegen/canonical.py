"""The IR as plain data, as canonical JSON, and as the fingerprint of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from codegen.ir import Arm, Deprecation, EndpointVar, Extension, Provider, Registry, Runtime

Plain = dict[str, object]


def dumps(value: object) -> str:
    """Return JSON with sorted keys, no white space and raw UTF-8: equal data, equal text.

    >>> dumps({"b": [1, None], "a": "é"})
    '{"a":"é","b":[1,null]}'
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _extensions(extensions: Iterable[Extension]) -> Plain:
    return {extension.key: json.loads(extension.value) for extension in extensions}


def _deprecation(deprecated: Deprecation | None) -> Plain | None:
    if deprecated is None:
        return None
    return {
        "since": deprecated.since,
        "replacement": deprecated.replacement,
        "note": deprecated.note,
    }


def _endpoint_var(variable: EndpointVar) -> Plain:
    return {
        "placeholder": variable.placeholder,
        "env": variable.env,
        "default": variable.default,
    }


def _provider(provider: Provider) -> Plain:
    return {
        "name": provider.name,
        "display_name": provider.display_name,
        "vendor_logo": provider.vendor_logo,
        "protocol": provider.protocol.value,
        "auth_mode": provider.auth_mode.value,
        "base_url_template": provider.base_url_template,
        "base_url_anthropic": provider.base_url_anthropic,
        "auth_env": list(provider.auth_env),
        "auth_token_env": provider.auth_token_env,
        "model_prefix_match": provider.pattern.text,
        "model_aliases": list(provider.model_aliases),
        "upstream_vendor": provider.upstream_vendor,
        "endpoint_vars": [_endpoint_var(variable) for variable in provider.endpoint_vars],
        "wire_model_prefix": provider.wire_model_prefix,
        "tooltip": provider.tooltip,
        "deprecated": _deprecation(provider.deprecated),
        "examples": list(provider.examples),
        **_extensions(provider.extensions),
    }


def _arm(arm: Arm) -> Plain:
    withdrawn = [
        {"id": gone.id, "reason": gone.reason, "replacement": gone.replacement}
        for gone in arm.withdrawn
    ]
    return {
        "name": arm.provider,
        "models": list(arm.models),
        "withdrawn_models": withdrawn,
        **_extensions(arm.extensions),
    }


def _runtime(runtime: Runtime) -> Plain:
    return {
        "name": runtime.name,
        "providers": [_arm(arm) for arm in runtime.arms],
        "default_model": runtime.default_model,
        **_extensions(runtime.extensions),
    }


def plain(registry: Registry) -> Plain:
    """Return the whole IR as JSON data: defaults filled in, order kept in lists, no spans.

    Runtimes are a list with names, because their order is data and object keys have none.
    """
    headers = {header.env: header.kind.value for header in registry.credential_headers}
    return {
        "schema_version": registry.schema_version,
        "providers": [_provider(provider) for provider in registry.providers],
        "runtimes": [_runtime(runtime) for runtime in registry.runtimes],
        "credential_headers": headers,
        **_extensions(registry.extensions),
    }


def canonical_json(registry: Registry) -> bytes:
    """Return the canonical JSON of the IR in UTF-8: what the fingerprint is taken of."""
    return dumps(plain(registry)).encode("utf-8")


def fingerprint(registry: Registry) -> str:
    """Return the SHA-256 of the canonical JSON, as 64 hex digits.

    A comment or a line end of the manifest does not change it; any data does.
    """
    return hashlib.sha256(canonical_json(registry)).hexdigest()
