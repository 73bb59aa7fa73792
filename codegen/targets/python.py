"""IR -> the Python view: every literal already laid out as black would leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codegen.canonical import fingerprint
from codegen.frozen import frozen
from codegen.identifiers import constant
from codegen.ir import (
    ANTHROPIC_VERSION,
    Arm,
    Deprecation,
    EndpointVar,
    Provider,
    Registry,
    Runtime,
    Withdrawn,
)
from codegen.layout import Group, Tree, laid_out, list_of, tuple_of
from codegen.options import Options
from codegen.quote import python_string as quote
from codegen.tables import Gone, Listed, Row, Table, table
from codegen.targets.page import Header, Page, header, package_version


@frozen
class PythonView:
    """What templates/python prints. All fields but the header and names are source text."""

    header: Header
    package: str
    version: str
    schema_version: int
    fingerprint: str
    anthropic_version: str
    provider_names: tuple[str, ...]
    runtime_names: tuple[str, ...]
    credential_env_names: str
    providers: tuple[str, ...]
    provider_variables: tuple[str, ...]
    runtimes: str
    vendors: str
    tables: str


def _variable(provider: Provider) -> str:
    return f"_P_{constant(provider.name)}"


def _texts(texts: Iterable[str]) -> Group:
    return tuple_of(*map(quote, texts))


def _block(opening: str, items: Iterable[tuple[str, Tree]], closing: str) -> Group:
    return Group(opening=opening, items=tuple(items), closing=closing, is_block=True)


def _optional(fields: Iterable[tuple[str, str | None]]) -> Iterator[tuple[str, Tree]]:
    return ((f"{key}=", quote(text)) for key, text in fields if text is not None)


def _deprecation(deprecated: Deprecation) -> Group:
    fields = (
        ("since", deprecated.since),
        ("replacement", deprecated.replacement),
        ("note", deprecated.note),
    )
    return Group(opening="Deprecation(", items=tuple(_optional(fields)), closing=")")


def _endpoint_var(variable: EndpointVar) -> Group:
    fields = (
        ("placeholder", variable.placeholder),
        ("env", variable.env),
        ("default", variable.default),
    )
    return Group(opening="EndpointVar(", items=tuple(_optional(fields)), closing=")")


def _provider_fields(registry: Registry, provider: Provider) -> Iterator[tuple[str, Tree]]:
    yield "name=", quote(provider.name)
    yield "display_name=", quote(provider.display_name)
    yield "vendor_logo=", quote(provider.vendor_logo)
    yield "protocol=", quote(provider.protocol.value)
    yield "auth_mode=", quote(provider.auth_mode.value)
    yield "auth_env=", _texts(provider.auth_env)
    yield "auth_token_env=", quote(provider.auth_token_env)
    yield from _optional(
        (
            ("base_url_template", provider.base_url_template),
            ("base_url_anthropic", provider.base_url_anthropic),
            ("upstream_vendor", provider.upstream_vendor),
            ("wire_model_prefix", provider.wire_model_prefix),
            ("tooltip", provider.tooltip),
        )
    )
    yield from _provider_lists(registry, provider)
    if provider.deprecated is not None:
        yield "deprecated=", _deprecation(provider.deprecated)
    if provider.is_platform:
        yield "is_platform=", "True"


def _provider_lists(registry: Registry, provider: Provider) -> Iterator[tuple[str, Tree]]:
    lists = (
        ("model_aliases=", _texts(provider.model_aliases)),
        ("examples=", _texts(provider.examples)),
        ("endpoint_vars=", tuple_of(*map(_endpoint_var, provider.endpoint_vars))),
        ("x_api_key_env=", _texts(registry.x_api_key_env(provider))),
    )
    return ((key, group) for key, group in lists if group.items)


def _provider(registry: Registry, provider: Provider) -> str:
    fields = _provider_fields(registry, provider)
    return laid_out(f"{_variable(provider)} = ", _block("Provider(", fields, ")"))


def _withdrawn(gone: Withdrawn) -> Group:
    fields = (("id", gone.id), ("reason", gone.reason), ("replacement", gone.replacement))
    return Group(opening="WithdrawnModel(", items=tuple(_optional(fields)), closing=")")


def _arm(arm: Arm) -> Group:
    items: list[tuple[str, Tree]] = [("provider=", quote(arm.provider))]
    if arm.models:
        items.append(("models=", _texts(arm.models)))
    if arm.withdrawn:
        items.append(("withdrawn_models=", tuple_of(*map(_withdrawn, arm.withdrawn))))
    return Group(opening="Arm(", items=tuple(items), closing=")")


def _runtime(runtime: Runtime) -> Group:
    arms = _block("(", (("", _arm(arm)) for arm in runtime.arms), ")")
    items: list[tuple[str, Tree]] = [("name=", quote(runtime.name)), ("arms=", arms)]
    if runtime.default_model is not None:
        items.append(("default_model=", quote(runtime.default_model)))
    return _block("Runtime(", items, ")")


def _owners(owners: Iterable[Provider]) -> Group:
    return tuple_of(*map(_variable, owners))


def _listed(row: Listed) -> tuple[str, Tree]:
    return f"{quote(row.id)}: ", _variable(row.owners[0])


def _shared(row: Listed) -> tuple[str, Tree]:
    return f"{quote(row.id)}: ", _owners(row.owners)


def _gone(row: Gone) -> tuple[str, Tree]:
    reason = "None" if row.reason is None else quote(row.reason)
    replacement = "None" if row.replacement is None else quote(row.replacement)
    return f"{quote(row.id)}: ", tuple_of(_owners(row.owners), reason, replacement)


def _row(row: Row) -> tuple[str, Tree]:
    variants = (tuple_of(quote(v.literal), _owners(v.owners)) for v in row.variants)
    return f"{quote(row.key)}: ", list_of(*variants)


def _table(routes: Table) -> Group:
    listed = sorted(routes.listed, key=lambda row: row.id)
    parts = (
        ("listed=", (_listed(row) for row in listed if len(row.owners) == 1)),
        ("shared=", (_shared(row) for row in listed if len(row.owners) > 1)),
        ("withdrawn=", map(_gone, routes.withdrawn)),
        ("exact=", map(_row, routes.exact)),
        ("prefixes=", map(_row, routes.prefixes)),
    )
    return _block("_Table(", ((key, _block("{", items, "}")) for key, items in parts), ")")


def _vendors(registry: Registry) -> Iterator[tuple[str, Tree]]:
    for provider in registry.providers:
        if provider.upstream_vendor is not None:
            yield f"{quote(provider.upstream_vendor)}: ", _variable(provider)


def _tables(registry: Registry) -> Group:
    rows = ((f"{quote(r.name)}: ", _table(table(registry, r))) for r in registry.runtimes)
    return _block("{", rows, "}")


def _view(registry: Registry, options: Options) -> PythonView:
    digest = fingerprint(registry)
    env_names = _texts(registry.credential_env_names())
    runtimes = _block("(", (("", _runtime(runtime)) for runtime in registry.runtimes), ")")
    return PythonView(
        header=header(options),
        package=options.python_package,
        version=package_version(digest, registry.schema_version),
        schema_version=registry.schema_version,
        fingerprint=digest,
        anthropic_version=ANTHROPIC_VERSION,
        provider_names=tuple(quote(provider.name) for provider in registry.providers),
        runtime_names=tuple(quote(runtime.name) for runtime in registry.runtimes),
        credential_env_names=laid_out("CREDENTIAL_ENV_NAMES: tuple[str, ...] = ", env_names),
        providers=tuple(_provider(registry, provider) for provider in registry.providers),
        provider_variables=tuple(_variable(provider) for provider in registry.providers),
        runtimes=laid_out("RUNTIMES: tuple[Runtime, ...] = ", runtimes),
        vendors=laid_out("_VENDORS: dict[str, Provider] = ", _block("{", _vendors(registry), "}")),
        tables=laid_out("_TABLES: dict[str, _Table] = ", _tables(registry)),
    )


def pages(registry: Registry, options: Options) -> Iterator[Page]:
    """Yield the pages of the Python package: its code, its typing marker, its metadata."""
    view = _view(registry, options)
    folder = f"python/{options.python_package}"
    for template, path in (
        ("python/provider_registry/__init__.py.j2", f"{folder}/__init__.py"),
        ("python/provider_registry/py.typed.j2", f"{folder}/py.typed"),
        ("python/pyproject.toml.j2", "python/pyproject.toml"),
    ):
        yield Page(template=template, path=path, view=view)
