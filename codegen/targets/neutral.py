"""IR -> the view of target packs, which is of no language: raw texts, tables, numbers.

Each record and each field is described in docs/target-packs.md, and a test compares the two. A
field that goes, or changes its meaning, raises `packs.VIEW_VERSION`. There is no pattern here:
a pack decides by the same tables as every other target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from codegen import ir, tables
from codegen.canonical import fingerprint
from codegen.frozen import frozen
from codegen.options import Options
from codegen.packs import Pack
from codegen.quote import Raw
from codegen.tables import lengths_by_head, utf8_units, utf16_units
from codegen.targets.page import Header, Page, header

# Unicode's White_Space property, which is what `trim` removes.
WHITE_SPACE = (
    *range(0x09, 0x0E),
    *(0x20, 0x85, 0xA0, 0x1680),
    *range(0x2000, 0x200B),
    *(0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
)


@frozen
class EndpointVar:
    """What replaces `{placeholder}` in a base URL: the variable's value, else the default."""

    placeholder: Raw
    env: Raw
    default: Raw | None


@frozen
class Deprecation:
    """That a provider is on its way out, and what the manifest says about it."""

    since: Raw | None
    replacement: Raw | None
    note: Raw | None


@frozen
class Provider:
    """One entry of the catalog. `index` is its place there, counted from 0."""

    index: int
    name: Raw
    display_name: Raw
    vendor_logo: Raw
    protocol: str
    auth_mode: str
    base_url_template: Raw | None
    base_url_anthropic: Raw | None
    auth_env: tuple[Raw, ...]
    auth_token_env: Raw
    x_api_key_env: tuple[Raw, ...]
    model_aliases: tuple[Raw, ...]
    upstream_vendor: Raw | None
    endpoint_vars: tuple[EndpointVar, ...]
    wire_model_prefix: Raw | None
    tooltip: Raw | None
    deprecated: Deprecation | None
    examples: tuple[Raw, ...]
    is_platform: bool


@frozen
class Withdrawn:
    """An id that an arm has withdrawn."""

    id: Raw
    reason: Raw | None
    replacement: Raw | None


@frozen
class Arm:
    """One provider that a runtime supports; without `models` it routes by pattern alone."""

    provider: Provider
    models: tuple[Raw, ...]
    withdrawn: tuple[Withdrawn, ...]


@frozen
class Listed:
    """A row of the table of listed ids: who lists it, in order of the arms."""

    id: Raw
    owners: tuple[Provider, ...]


@frozen
class Gone:
    """A row of the table of withdrawn ids: who still owns it, and what the manifest says."""

    id: Raw
    owners: tuple[Provider, ...]
    reason: Raw | None
    replacement: Raw | None


@frozen
class Variant:
    """What a row means for ids that begin with `literal` as written; empty for any case."""

    literal: Raw
    owners: tuple[Provider, ...]


@frozen
class Row:
    """A folded key and its variants, the longest literal first."""

    key: Raw
    variants: tuple[Variant, ...]


@frozen
class Head:
    """The lengths of the keys that begin with one unit, the longest first."""

    unit: int
    lengths: tuple[int, ...]


@frozen
class Lengths:
    """How long the keys are, in one unit: of prefix rows by their head, and of any row at most."""

    heads: tuple[Head, ...]
    longest: int


@frozen
class Units:
    """The same lengths in each unit in which languages count text."""

    code_points: Lengths
    utf8: Lengths
    utf16: Lengths


@frozen
class Runtime:
    """An agent runtime: its arms in order, its menu, and the tables that route on it."""

    index: int
    name: Raw
    default_model: Raw | None
    arms: tuple[Arm, ...]
    menu: tuple[Raw, ...]
    listed: tuple[Listed, ...]
    withdrawn: tuple[Gone, ...]
    exact: tuple[Row, ...]
    prefixes: tuple[Row, ...]
    units: Units


@frozen
class Vendor:
    """An upstream vendor and the provider that claims it."""

    name: Raw
    provider: Provider


@frozen
class CredentialHeader:
    """How the value of a variable travels on an anthropic surface."""

    env: Raw
    kind: str


@frozen
class View:
    """All that the templates of a pack see: these names, and nothing else."""

    header: Header
    schema_version: int
    fingerprint: str
    anthropic_version: str
    options: Mapping[str, Raw]
    providers: tuple[Provider, ...]
    runtimes: tuple[Runtime, ...]
    vendors: tuple[Vendor, ...]
    credential_headers: tuple[CredentialHeader, ...]
    credential_env_names: tuple[Raw, ...]
    white_space: tuple[int, ...]


def _raw(text: str | None) -> Raw | None:
    return None if text is None else Raw(text)


def _raws(texts: Iterable[str]) -> tuple[Raw, ...]:
    return tuple(map(Raw, texts))


# the catalog


def _endpoint_var(variable: ir.EndpointVar) -> EndpointVar:
    return EndpointVar(
        placeholder=Raw(variable.placeholder),
        env=Raw(variable.env),
        default=_raw(variable.default),
    )


def _deprecation(deprecated: ir.Deprecation | None) -> Deprecation | None:
    if deprecated is None:
        return None
    return Deprecation(
        since=_raw(deprecated.since),
        replacement=_raw(deprecated.replacement),
        note=_raw(deprecated.note),
    )


def _provider(registry: ir.Registry, index: int, provider: ir.Provider) -> Provider:
    return Provider(
        index=index,
        name=Raw(provider.name),
        display_name=Raw(provider.display_name),
        vendor_logo=Raw(provider.vendor_logo),
        protocol=provider.protocol.value,
        auth_mode=provider.auth_mode.value,
        base_url_template=_raw(provider.base_url_template),
        base_url_anthropic=_raw(provider.base_url_anthropic),
        auth_env=_raws(provider.auth_env),
        auth_token_env=Raw(provider.auth_token_env),
        x_api_key_env=_raws(registry.x_api_key_env(provider)),
        model_aliases=_raws(provider.model_aliases),
        upstream_vendor=_raw(provider.upstream_vendor),
        endpoint_vars=tuple(map(_endpoint_var, provider.endpoint_vars)),
        wire_model_prefix=_raw(provider.wire_model_prefix),
        tooltip=_raw(provider.tooltip),
        deprecated=_deprecation(provider.deprecated),
        examples=_raws(provider.examples),
        is_platform=provider.is_platform,
    )


# the tables


@frozen
class _Catalog:
    """The providers of the view by name: every row refers to the same records."""

    by_name: Mapping[str, Provider]

    def owners(self, owners: Iterable[ir.Provider]) -> tuple[Provider, ...]:
        return tuple(self.by_name[owner.name] for owner in owners)

    def row(self, row: tables.Row) -> Row:
        variants = (
            Variant(literal=Raw(variant.literal), owners=self.owners(variant.owners))
            for variant in row.variants
        )
        return Row(key=Raw(row.key), variants=tuple(variants))

    def gone(self, gone: tables.Gone) -> Gone:
        return Gone(
            id=Raw(gone.id),
            owners=self.owners(gone.owners),
            reason=_raw(gone.reason),
            replacement=_raw(gone.replacement),
        )

    def arm(self, arm: ir.Arm) -> Arm:
        withdrawn = (
            Withdrawn(id=Raw(g.id), reason=_raw(g.reason), replacement=_raw(g.replacement))
            for g in arm.withdrawn
        )
        provider = self.by_name[arm.provider]
        return Arm(provider=provider, models=_raws(arm.models), withdrawn=tuple(withdrawn))

    def runtime(self, index: int, runtime: ir.Runtime, routes: tables.Table) -> Runtime:
        listed = sorted(routes.listed, key=lambda row: row.id)
        return Runtime(
            index=index,
            name=Raw(runtime.name),
            default_model=_raw(runtime.default_model),
            arms=tuple(map(self.arm, runtime.arms)),
            menu=_raws(runtime.menu),
            listed=tuple(Listed(id=Raw(r.id), owners=self.owners(r.owners)) for r in listed),
            withdrawn=tuple(self.gone(g) for g in sorted(routes.withdrawn, key=lambda g: g.id)),
            exact=tuple(map(self.row, routes.exact)),
            prefixes=tuple(map(self.row, routes.prefixes)),
            units=_units(routes),
        )


def _lengths(routes: tables.Table, units: Callable[[str], str]) -> Lengths:
    heads = lengths_by_head(units(row.key) for row in routes.prefixes)
    return Lengths(
        heads=tuple(Head(unit=ord(head), lengths=lengths) for head, lengths in heads),
        longest=max((len(units(r.key)) for r in (*routes.exact, *routes.prefixes)), default=0),
    )


def _units(routes: tables.Table) -> Units:
    return Units(
        code_points=_lengths(routes, str),
        utf8=_lengths(routes, utf8_units),
        utf16=_lengths(routes, utf16_units),
    )


def _vendors(providers: Iterable[Provider]) -> Iterator[Vendor]:
    for provider in providers:
        if provider.upstream_vendor is not None:
            yield Vendor(name=provider.upstream_vendor, provider=provider)


def view(registry: ir.Registry, options: Options, pack: Pack) -> View:
    """Return the view of a pack's templates, all of them alike."""
    providers = tuple(_provider(registry, i, p) for i, p in enumerate(registry.providers))
    catalog = _Catalog(by_name={provider.name: provider for provider in providers})
    routed = ((runtime, tables.table(registry, runtime)) for runtime in registry.runtimes)
    headers = registry.credential_headers
    return View(
        header=header(options),
        schema_version=registry.schema_version,
        fingerprint=fingerprint(registry),
        anthropic_version=ir.ANTHROPIC_VERSION,
        options={name: Raw(value) for name, value in pack.options},
        providers=providers,
        runtimes=tuple(catalog.runtime(i, *each) for i, each in enumerate(routed)),
        vendors=tuple(_vendors(providers)),
        credential_headers=tuple(
            CredentialHeader(env=Raw(each.env), kind=each.kind.value) for each in headers
        ),
        credential_env_names=_raws(registry.credential_env_names()),
        white_space=WHITE_SPACE,
    )


def pages(registry: ir.Registry, options: Options, pack: Pack) -> Iterator[Page]:
    """Yield the pages of a pack, below the output folder of its name."""
    seen = view(registry, options, pack)
    for file in pack.files:
        yield Page(template=file.template, path=f"{pack.name}/{file.path}", view=seen, pack=pack)
