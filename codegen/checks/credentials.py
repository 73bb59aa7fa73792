"""Rules about the names of credentials: that there are some, and that they stay in headers."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.diagnostics import Diagnostic, Note
from codegen.ir import DEFAULT_CREDENTIAL_HEADERS, AuthMode, Registry
from codegen.nearest import did_you_mean
from codegen.rules import found


def no_credential(registry: Registry) -> Iterator[Diagnostic]:
    """A provider names no variable that opens it.

    No workspace could ever have its key, so it can be listed and never used (semantics:
    `select_credential`).

    Fails::

        providers:
          - name: acme
            auth_env: []

    Passes::

        providers:
          - name: acme
            auth_env: [ACME_API_KEY]

    Mend: name the variable that holds its key.
    """
    for provider in registry.providers:
        if not provider.auth_env:
            yield found(
                "no_credential",
                provider.name.span,
                f'"{provider.name}" has no auth_env, so nothing opens it',
                hint="name the variable that holds its key in auth_env",
            )


def unused_credential_header(registry: Registry) -> Iterator[Diagnostic]:
    """A credential header is given for a variable that no provider accepts.

    The entry changes nothing. It is often a rename that was left half done.

    Fails::

        credential_headers:
          AMCE_API_KEY: x-api-key
        providers:
          - name: acme
            auth_env: [ACME_API_KEY]

    Passes::

        credential_headers:
          ACME_API_KEY: x-api-key
        providers:
          - name: acme
            auth_env: [ACME_API_KEY]

    Mend: correct the name, or remove the entry.
    """
    names = registry.credential_env_names()
    usual = {header.env for header in DEFAULT_CREDENTIAL_HEADERS}
    for header in registry.credential_headers:
        if header.env not in names and header.env not in usual:
            yield found(
                "unused_credential_header",
                header.env.span,
                f"no provider accepts {header.env}",
                hint=did_you_mean(header.env, names) or "remove the entry",
            )


def undecided_header(registry: Registry) -> Iterator[Diagnostic]:
    """Nothing says in which header a key travels to an anthropic surface.

    There a key goes as `x-api-key` or as a Bearer token. Neither the variable nor the provider's
    `auth_token_env` has an entry in `credential_headers`, so it goes as Bearer by default
    (semantics: `select_credential`), which may be refused.

    Fails::

        providers:
          - name: acme
            base_url_anthropic: https://api.acme.example/v1
            auth_env: [ACME_API_KEY]
            auth_token_env: ACME_API_KEY

    Passes::

        providers:
          - name: acme
            base_url_anthropic: https://api.acme.example/v1
            auth_env: [ACME_API_KEY]
            auth_token_env: ANTHROPIC_API_KEY

    Mend: set auth_token_env to a variable whose header is known, or add an entry.
    """
    known = {header.env for header in registry.credential_headers}
    for provider in registry.providers:
        is_dialled = provider.base_url_anthropic is not None and (
            provider.auth_mode is not AuthMode.OAUTH
        )
        for name in provider.auth_env if is_dialled else ():
            if name not in known and provider.auth_token_env not in known:
                yield found(
                    "undecided_header",
                    name.span,
                    f'nothing says in which header "{provider.name}" takes {name}',
                    hint=f"add credential_headers.{name}, or another auth_token_env",
                )


def credential_in_url(registry: Registry) -> Iterator[Diagnostic]:
    """A base URL takes the value of a credential.

    The endpoint variable reads a variable that opens some provider. Its value would stand in
    URLs, and with them in logs and error messages.

    Fails::

        providers:
          - name: acme
            base_url_template: https://api.acme.example/{key}/v1
            auth_env: [ACME_API_KEY]
            endpoint_vars:
              key: {env: ACME_API_KEY}

    Passes::

        providers:
          - name: acme
            base_url_template: https://api.acme.example/{project}/v1
            auth_env: [ACME_API_KEY]
            endpoint_vars:
              project: {env: ACME_PROJECT}

    Mend: read another variable, and let the key travel in its header.
    """
    owners = {name: name for provider in reversed(registry.providers) for name in provider.auth_env}
    for provider in registry.providers:
        for variable in provider.endpoint_vars:
            owner = owners.get(variable.env)
            if owner is not None:
                yield found(
                    "credential_in_url",
                    variable.env.span,
                    f"the value of {variable.env} would stand in a URL, and it is a credential",
                    hint="read another variable",
                    notes=[Note(span=owner.span, message="a credential here")],
                )
