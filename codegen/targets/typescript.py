"""IR -> the TypeScript view: an ES module, and the declarations that people see."""

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
from codegen.layout import Group, Tree, laid_out, list_of
from codegen.options import Options
from codegen.quote import javascript_string as quote
from codegen.quote import json_string
from codegen.tables import Row, Table, table
from codegen.targets.page import Header, Page, header, package_version

Items = Iterable[tuple[str, Tree]]


@frozen
class TypeScriptView:
    """What templates/typescript prints. All fields but the header are source text."""

    header: Header
    marker_json: str
    command_json: str
    package_json: str
    version: str
    schema_version: int
    fingerprint: str
    anthropic_version: str
    provider_names: tuple[str, ...]
    runtime_names: tuple[str, ...]
    model_ids: tuple[str, ...]
    credential_env_names: str
    providers: tuple[str, ...]
    provider_variables: tuple[str, ...]
    runtimes: str
    vendors: str
    rows: str


def _variable(provider: Provider) -> str:
    return f"P_{constant(provider.name)}"


def _or_null(text: str | None) -> str:
    return "null" if text is None else quote(text)


def _texts(texts: Iterable[str]) -> Group:
    return list_of(*map(quote, texts))


def _object(items: Items) -> Group:
    return Group(opening="{", items=tuple(items), closing="}", is_block=True)


def _list(items: Iterable[Tree]) -> Group:
    rows = tuple(("", item) for item in items)
    return Group(opening="[", items=rows, closing="]", is_block=True)


def _entry(key: str, value: Tree) -> Group:
    """Return `[key, value]`; a block begins on the key's line, which saves an indent."""
    if isinstance(value, str) or not value.is_block:
        return list_of(key, value)
    opening, closing = f"[{key}, {value.opening}", f"{value.closing}]"
    return Group(opening=opening, items=value.items, closing=closing, is_block=True)


def _map(items: Items) -> Group:
    """Return a Map, for its keys are data: `__proto__` must be a key like any other.

    The mark lets a bundler drop a table that nobody asks for.
    """
    rows = (("", _entry(key, value)) for key, value in items)
    opening = "/* @__PURE__ */ new Map(["
    return Group(opening=opening, items=tuple(rows), closing="])", is_block=True)


def _deprecation(deprecated: Deprecation | None) -> Tree:
    if deprecated is None:
        return "null"
    fields = (
        ("since: ", deprecated.since),
        ("replacement: ", deprecated.replacement),
        ("note: ", deprecated.note),
    )
    return _object((key, _or_null(text)) for key, text in fields)


def _endpoint_var(variable: EndpointVar) -> Group:
    fields = (
        ("placeholder: ", variable.placeholder),
        ("env: ", variable.env),
        ("default: ", variable.default),
    )
    return _object((key, _or_null(text)) for key, text in fields)


def _texts_of_provider(provider: Provider) -> Items:
    fields = (
        ("name: ", provider.name),
        ("displayName: ", provider.display_name),
        ("vendorLogo: ", provider.vendor_logo),
        ("protocol: ", provider.protocol.value),
        ("authMode: ", provider.auth_mode.value),
        ("baseUrlTemplate: ", provider.base_url_template),
        ("baseUrlAnthropic: ", provider.base_url_anthropic),
        ("authTokenEnv: ", provider.auth_token_env),
        ("upstreamVendor: ", provider.upstream_vendor),
        ("wireModelPrefix: ", provider.wire_model_prefix),
        ("tooltip: ", provider.tooltip),
    )
    return ((key, _or_null(text)) for key, text in fields)


def _lists_of_provider(registry: Registry, provider: Provider) -> Items:
    yield "authEnv: ", _texts(provider.auth_env)
    yield "xApiKeyEnv: ", _texts(registry.x_api_key_env(provider))
    yield "modelAliases: ", _texts(provider.model_aliases)
    yield "examples: ", _texts(provider.examples)
    yield "endpointVars: ", _list(map(_endpoint_var, provider.endpoint_vars))


def _provider(registry: Registry, provider: Provider) -> str:
    # Every field is printed, null or not: objects of one shape are what engines are fast at.
    fields = (
        *_texts_of_provider(provider),
        *_lists_of_provider(registry, provider),
        ("deprecated: ", _deprecation(provider.deprecated)),
        ("isPlatform: ", "true" if provider.is_platform else "false"),
    )
    return laid_out(f"const {_variable(provider)} = ", _object(fields), ";")


def _withdrawn(gone: Withdrawn) -> Group:
    fields = (
        ("id: ", gone.id),
        ("reason: ", gone.reason),
        ("replacement: ", gone.replacement),
    )
    return _object((key, _or_null(text)) for key, text in fields)


def _arm(arm: Arm) -> Group:
    return _object(
        (
            ("provider: ", quote(arm.provider)),
            ("models: ", _texts(arm.models)),
            ("withdrawnModels: ", _list(map(_withdrawn, arm.withdrawn))),
        )
    )


def _runtime(runtime: Runtime) -> Group:
    return _object(
        (
            ("name: ", quote(runtime.name)),
            ("arms: ", _list(map(_arm, runtime.arms))),
            ("defaultModel: ", _or_null(runtime.default_model)),
        )
    )


def _rows(rows: Iterable[Row]) -> Iterator[Group]:
    """Yield a tuple for each variant of each row, the shortest literal of a key first."""
    for row in rows:
        for variant in reversed(row.variants):
            texts = (quote(row.key), quote(variant.literal))
            yield list_of(*texts, *map(_variable, variant.owners))


def _table(routes: Table) -> Group:
    return _object(
        (
            ("exact: ", _list(_rows(routes.exact))),
            ("prefixes: ", _list(_rows(routes.prefixes))),
        )
    )


def _rows_by_runtime(registry: Registry) -> Items:
    for runtime in registry.runtimes:
        yield quote(runtime.name), _table(table(registry, runtime))


def _vendors(registry: Registry) -> Items:
    for provider in registry.providers:
        if provider.upstream_vendor is not None:
            yield quote(provider.upstream_vendor), _variable(provider)


def _model_ids(registry: Registry) -> Iterator[str]:
    """Yield the ids that any runtime lists or has withdrawn, sorted by code point."""
    arms = [arm for runtime in registry.runtimes for arm in runtime.arms]
    ids = {model for arm in arms for model in arm.models}
    ids.update(gone.id for arm in arms for gone in arm.withdrawn)
    return map(quote, sorted(ids))


def _exported(name: str, tree: Tree) -> str:
    return laid_out(f"export const {name} = ", tree, ";")


def _view(registry: Registry, options: Options) -> TypeScriptView:
    digest = fingerprint(registry)
    lines = header(options)
    env_names = _texts(registry.credential_env_names())
    return TypeScriptView(
        header=lines,
        marker_json=json_string(lines.marker),
        command_json=json_string(lines.command),
        package_json=json_string(options.npm_name),
        version=package_version(digest, registry.schema_version),
        schema_version=registry.schema_version,
        fingerprint=digest,
        anthropic_version=ANTHROPIC_VERSION,
        provider_names=tuple(quote(provider.name) for provider in registry.providers),
        runtime_names=tuple(quote(runtime.name) for runtime in registry.runtimes),
        model_ids=tuple(_model_ids(registry)),
        credential_env_names=_exported("CREDENTIAL_ENV_NAMES", env_names),
        providers=tuple(_provider(registry, each) for each in registry.providers),
        provider_variables=tuple(map(_variable, registry.providers)),
        runtimes=_exported("RUNTIMES", _list(map(_runtime, registry.runtimes))),
        vendors=laid_out("const VENDORS = ", _map(_vendors(registry)), ";"),
        rows=laid_out("const ROWS = ", _map(_rows_by_runtime(registry)), ";"),
    )


def pages(registry: Registry, options: Options) -> Iterator[Page]:
    """Yield the pages of the npm package: its code, its declarations, its metadata."""
    view = _view(registry, options)
    for name in ("registry.js", "registry.d.ts", "package.json"):
        path = f"typescript/{name}"
        yield Page(template=f"{path}.j2", path=path, view=view)
