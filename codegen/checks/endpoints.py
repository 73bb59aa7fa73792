"""Rules about endpoints: placeholders of base URLs and the variables behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codegen.diagnostics import Diagnostic
from codegen.frozen import frozen
from codegen.ir import Provider, Registry, Text
from codegen.nearest import did_you_mean
from codegen.rules import found

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


# The authority may hold placeholders; what a path may hold is for the server to say.
_URL = re.compile(r"(?i)(?P<scheme>https?)://(?P<authority>[^/?#\s]+)(?P<rest>.*)", re.DOTALL)
_LOOPBACK = re.compile(r"(?i)(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")


@frozen
class _Parts:
    """A base URL in three parts; the authority is host and port, perhaps with a user before."""

    scheme: str
    authority: str
    rest: str


def _parts(url: str) -> _Parts | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    return _Parts(scheme=match["scheme"].lower(), authority=match["authority"], rest=match["rest"])


def _urls(provider: Provider) -> Iterator[Text]:
    for url in (provider.base_url_template, provider.base_url_anthropic):
        if url is not None:
            yield url


def _placeholders(provider: Provider) -> set[str]:
    return {name for url in _urls(provider) for name in _PLACEHOLDER.findall(url)}


def _all_urls(registry: Registry) -> Iterator[tuple[Provider, Text, _Parts | None]]:
    """Yield every base URL and its parts, which are None where it is no URL of a server."""
    for provider in registry.providers:
        for url in _urls(provider):
            yield provider, url, _parts(url)


def unknown_placeholder(registry: Registry) -> Iterator[Diagnostic]:
    """A base URL has a placeholder that is not one of the endpoint_vars.

    Nothing would replace it, and requests would go to a host with braces in its name
    (semantics: `endpoint`).

    Fails::

        providers:
          - name: acme
            base_url_template: https://{region}.acme.example/v1

    Passes::

        providers:
          - name: acme
            base_url_template: https://{region}.acme.example/v1
            endpoint_vars:
              region: {env: ACME_REGION, default: eu}

    Mend: correct the name, or add the variable.
    """
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
    """A base URL has a brace that belongs to no placeholder.

    A placeholder is a name of letters, digits and underscores in braces. Anything else in
    braces would be sent as it stands.

    Fails::

        providers:
          - name: acme
            base_url_template: https://{my-region}.acme.example/v1

    Passes::

        providers:
          - name: acme
            base_url_template: https://{region}.acme.example/v1
            endpoint_vars:
              region: {env: ACME_REGION, default: eu}

    Mend: write {name} with letters, digits and underscores, or remove the brace.
    """
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
    """An endpoint variable stands in no base URL.

    People set the variable and nothing changes. It is often a rename that was left half done.

    Fails::

        providers:
          - name: acme
            base_url_template: https://acme.example/v1
            endpoint_vars:
              region: {env: ACME_REGION}

    Passes::

        providers:
          - name: acme
            base_url_template: https://{region}.acme.example/v1
            endpoint_vars:
              region: {env: ACME_REGION}

    Mend: remove it, or put {name} into a URL.
    """
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


def malformed_url(registry: Registry) -> Iterator[Diagnostic]:
    """A base URL is not the address of a server.

    It begins with `https://` or `http://` and the name of a host. Anything else fails at the
    first request, long after the manifest was compiled.

    Fails::

        providers:
          - name: acme
            base_url_template: api.acme.example/v1

    Passes::

        providers:
          - name: acme
            base_url_template: https://api.acme.example/v1

    Mend: write the whole URL, or null where the provider has no such surface.
    """
    for _, url, parts in _all_urls(registry):
        if parts is None:
            yield found(
                "malformed_url",
                url.span,
                "the base URL does not begin with https:// or http:// and a host",
                hint="write the whole URL, or null where there is no such surface",
            )


def unencrypted_url(registry: Registry) -> Iterator[Diagnostic]:
    """A base URL sends keys over the network without encryption.

    Every request carries a key in a header. Over `http://` anybody on the way can read it; only
    a server on the same machine is fine.

    Fails::

        providers:
          - name: acme
            base_url_template: http://api.acme.example/v1

    Passes::

        providers:
          - name: acme
            base_url_template: https://api.acme.example/v1
          - name: local
            base_url_template: http://localhost:11434/v1

    Mend: write https://.
    """
    for _, url, parts in _all_urls(registry):
        if (
            parts is not None
            and parts.scheme == "http"
            and not _LOOPBACK.fullmatch(parts.authority)
        ):
            yield found(
                "unencrypted_url",
                url.span,
                "the base URL sends keys without encryption",
                hint="write https://",
            )


def secret_in_url(registry: Registry) -> Iterator[Diagnostic]:
    """A base URL has a user or a password in it.

    A value never enters a manifest: it is checked in, compiled into artifacts and printed in
    messages. Keys come from variables and travel in headers.

    Fails::

        providers:
          - name: acme
            base_url_template: https://me:secret@api.acme.example/v1

    Passes::

        providers:
          - name: acme
            base_url_template: https://api.acme.example/v1
            auth_env: [ACME_API_KEY]

    Mend: remove what stands before the @, and name a variable in auth_env.
    """
    for _, url, parts in _all_urls(registry):
        if parts is not None and "@" in parts.authority:
            yield found(
                "secret_in_url",
                url.span,
                "the base URL carries a user or a password",
                hint="remove what stands before the @, and name a variable in auth_env",
            )


def url_with_query(registry: Registry) -> Iterator[Diagnostic]:
    """A base URL has a query or a fragment.

    Clients append a path to it, so `?v=1` would end up in the middle of the URL, and everything
    behind a `#` is never sent.

    Fails::

        providers:
          - name: acme
            base_url_template: https://api.acme.example/v1?beta=true

    Passes::

        providers:
          - name: acme
            base_url_template: https://api.acme.example/v1

    Mend: end the base URL with its path.
    """
    for _, url, parts in _all_urls(registry):
        if parts is not None and re.search(r"[?#]", parts.rest):
            yield found(
                "url_with_query",
                url.span,
                "the base URL has a query or a fragment, and a path is appended to it",
                hint="end it with its path",
            )
