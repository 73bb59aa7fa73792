"""IR -> the Go view: every literal already laid out as gofmt would leave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, groupby

from codegen.canonical import fingerprint
from codegen.frozen import frozen
from codegen.identifiers import camel
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
from codegen.options import Options
from codegen.quote import go_string as quote
from codegen.tables import Gone, Listed, Row, Table, lengths_by_head, table, utf8_units
from codegen.targets.page import Header, Page, header

# Names that the template declares and a provider or a runtime could spell.
_TAKEN = frozenset({"ProviderName", "ProviderNamed", "RuntimeName", "RuntimeNamed"})

# A literal as it will stand: one line, or an opening, indented items, and a closing.
Lines = tuple[str, ...]
Field = tuple[str, Lines]


@frozen
class Constant:
    """A typed constant: its identifier, and its value as a literal."""

    identifier: str
    literal: str


@frozen
class Catalogued:
    """A provider: the variable that points to it, and its literal."""

    variable: str
    literal: str


@frozen
class GoView:
    """What templates/go prints. All fields but the header and the module are source text."""

    header: Header
    module: str
    schema_version: int
    fingerprint: str
    anthropic_version: str
    provider_names: tuple[Constant, ...]
    runtime_names: tuple[Constant, ...]
    providers: tuple[Catalogued, ...]
    provider_list: str
    runtimes: str
    credential_env_names: str
    routes: str
    longest_key: int


# gofmt's layout


def _flat(opening: str, items: Iterable[str]) -> str:
    return f"{opening}{{{', '.join(items)}}}"


def _block(opening: str, items: Iterable[Lines]) -> Lines:
    """Return a literal with one item after another; without items it stays on its line."""
    body = [line for *first, last in items for line in (*first, f"{last},")]
    if not body:
        return (f"{opening}{{}}",)
    return (f"{opening}{{", *(f"\t{line}" for line in body), "}")


def _keyed(fields: Iterable[Field]) -> Iterator[Lines]:
    """Yield `Key: value` items; gofmt lines up the values of a run of single lines.

    A value of several lines stands for itself. Keys are far below the 40 characters from
    which gofmt would begin to compare their lengths.
    """
    for is_run, run in groupby(fields, key=lambda field: len(field[1]) == 1):
        entries = tuple(run)
        width = max(len(key) for key, _ in entries) + 1 if is_run else 0
        for key, (first, *rest) in entries:
            yield (f"{key + ':':<{width}} {first}", *rest)


def _record(opening: str, fields: Iterable[Field]) -> Lines:
    return _block(opening, _keyed(fields))


def _text(lines: Lines) -> str:
    return "\n".join(lines)


def _given(fields: Iterable[tuple[str, str | None]]) -> Iterator[Field]:
    """Yield the texts that are there; without one the field keeps its zero value."""
    return ((key, (quote(text),)) for key, text in fields if text is not None)


def _pointed(fields: Iterable[tuple[str, str | None]]) -> Iterator[Field]:
    """Yield the texts that are there and may be empty, which nil tells from absent."""
    return ((key, (f"text({quote(text)})",)) for key, text in fields if text is not None)


def _inline(opening: str, fields: Iterable[Field]) -> str:
    return _flat(opening, (f"{key}: {value}" for key, (value,) in fields))


def _listing(kind: str, items: Iterable[str]) -> Iterator[Lines]:
    """Yield a slice with one item a line, or nothing where nil says the same."""
    lines = tuple((item,) for item in items)
    if lines:
        yield _block(f"[]{kind}", lines)


def _lists(*lists: tuple[str, str, Iterable[str]]) -> Iterator[Field]:
    for key, kind, items in lists:
        yield from ((key, lines) for lines in _listing(kind, items))


# the catalog


def _identifier(kind: str, name: str) -> str:
    identifier = f"{kind}{camel(name)}"
    return f"{identifier}_" if identifier in _TAKEN else identifier


def _constant(kind: str, name: str) -> Constant:
    return Constant(identifier=_identifier(kind, name), literal=quote(name))


def _variable(provider: Provider) -> str:
    return f"provider{camel(provider.name)}"


def _deprecation(deprecated: Deprecation) -> str:
    fields = (("Since", deprecated.since), ("Replacement", deprecated.replacement))
    note = (("Note", deprecated.note),)
    return _inline("&Deprecation", chain(_given(fields), _pointed(note)))


def _endpoint_var(variable: EndpointVar) -> str:
    fields = (("Placeholder", variable.placeholder), ("Env", variable.env))
    default = (("Default", variable.default),)
    return _inline("", chain(_given(fields), _pointed(default)))


def _provider_texts(provider: Provider) -> Iterator[Field]:
    yield "Name", (_identifier("Provider", provider.name),)
    yield from _given(
        (
            ("DisplayName", provider.display_name),
            ("VendorLogo", provider.vendor_logo),
            ("Protocol", provider.protocol.value),
            ("AuthMode", provider.auth_mode.value),
            ("BaseURLTemplate", provider.base_url_template),
            ("BaseURLAnthropic", provider.base_url_anthropic),
            ("AuthTokenEnv", provider.auth_token_env),
            ("UpstreamVendor", provider.upstream_vendor),
            ("WireModelPrefix", provider.wire_model_prefix),
        )
    )
    yield from _pointed((("Tooltip", provider.tooltip),))
    if provider.deprecated is not None:
        yield "Deprecated", (_deprecation(provider.deprecated),)
    if provider.is_platform:
        yield "IsPlatform", ("true",)


def _provider(registry: Registry, provider: Provider) -> Catalogued:
    lists = _lists(
        ("AuthEnv", "string", map(quote, provider.auth_env)),
        ("XAPIKeyEnv", "string", map(quote, registry.x_api_key_env(provider))),
        ("ModelAliases", "string", map(quote, provider.model_aliases)),
        ("Examples", "string", map(quote, provider.examples)),
        ("EndpointVars", "EndpointVar", map(_endpoint_var, provider.endpoint_vars)),
    )
    literal = _record("&Provider", chain(_provider_texts(provider), lists))
    return Catalogued(variable=_variable(provider), literal=_text(literal))


def _withdrawn(gone: Withdrawn) -> str:
    reason = _pointed((("Reason", gone.reason),))
    replacement = _given((("Replacement", gone.replacement),))
    return _inline("", chain(_given((("ID", gone.id),)), reason, replacement))


def _arm(arm: Arm) -> Lines:
    lists = _lists(
        ("Models", "string", map(quote, arm.models)),
        ("WithdrawnModels", "WithdrawnModel", map(_withdrawn, arm.withdrawn)),
    )
    provider: Field = ("Provider", (_identifier("Provider", arm.provider),))
    return _record("", (provider, *lists))


def _runtime(runtime: Runtime) -> Lines:
    name: Field = ("Name", (_identifier("Runtime", runtime.name),))
    default = _given((("DefaultModel", runtime.default_model),))
    arms: Field = ("Arms", _block("[]Arm", map(_arm, runtime.arms)))
    return _record("", (name, *default, arms))


# the tables


def _owners(owners: Iterable[Provider]) -> str:
    return _flat("owners", map(_variable, owners))


def _listed(row: Listed) -> str:
    return _flat("", (quote(row.id), _owners(row.owners)))


def _gone(row: Gone) -> str:
    words = (quote(row.reason or ""), quote(row.replacement or ""))
    return _flat("", (quote(row.id), _owners(row.owners), *words))


def _row(row: Row) -> str:
    variants = (_flat("", (quote(v.literal), _owners(v.owners))) for v in row.variants)
    return _flat("", (quote(row.key), _flat("[]variant", variants)))


def _byte(unit: str) -> str:
    return f"'{unit}'" if unit.isascii() and unit.isalnum() else f"0x{ord(unit):02x}"


def _lengths(rows: Iterable[Row]) -> Iterator[str]:
    for head, lengths in lengths_by_head(utf8_units(row.key) for row in rows):
        yield _flat("", (_byte(head), _flat("[]int", map(str, lengths))))


def _route(routes: Table) -> Lines:
    listed = sorted(routes.listed, key=lambda row: row.id)
    lists = _lists(
        ("listed", "listedRow", map(_listed, listed)),
        ("withdrawn", "withdrawnRow", map(_gone, routes.withdrawn)),
        ("exact", "keyRow", map(_row, routes.exact)),
        ("prefixes", "keyRow", map(_row, routes.prefixes)),
        ("lengths", "lengthsRow", _lengths(routes.prefixes)),
    )
    runtime: Field = ("runtime", (_identifier("Runtime", routes.runtime.name),))
    return _record("", (runtime, *lists))


def _longest_key(tables: Iterable[Table]) -> int:
    rows = chain.from_iterable((*routes.exact, *routes.prefixes) for routes in tables)
    return max((len(utf8_units(row.key)) for row in rows), default=0)


def _view(registry: Registry, options: Options) -> GoView:
    tables = tuple(table(registry, runtime) for runtime in registry.runtimes)
    variables = ((_variable(provider),) for provider in registry.providers)
    env_names = ((quote(name),) for name in registry.credential_env_names())
    return GoView(
        header=header(options),
        module=options.go_module,
        schema_version=registry.schema_version,
        fingerprint=fingerprint(registry),
        anthropic_version=ANTHROPIC_VERSION,
        provider_names=tuple(_constant("Provider", p.name) for p in registry.providers),
        runtime_names=tuple(_constant("Runtime", r.name) for r in registry.runtimes),
        providers=tuple(_provider(registry, provider) for provider in registry.providers),
        provider_list=_text(_block("[]*Provider", variables)),
        runtimes=_text(_block("[]*Runtime", map(_runtime, registry.runtimes))),
        credential_env_names=_text(_block("[]string", env_names)),
        routes=_text(_block("[]routes", map(_route, tables))),
        longest_key=_longest_key(tables),
    )


def pages(registry: Registry, options: Options) -> Iterator[Page]:
    """Yield the pages of the Go module: its code and its go.mod."""
    view = _view(registry, options)
    for name in ("registry_gen.go", "go.mod"):
        yield Page(template=f"go/{name}.j2", path=f"go/{name}", view=view)
