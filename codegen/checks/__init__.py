"""The checks, one module a family of rules; each yields diagnostics and does nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from codegen.checks import (
    arms,
    billing,
    credentials,
    endpoints,
    lifecycle,
    names,
    overlaps,
    patterns,
    references,
    shadows,
)
from codegen.diagnostics import Diagnostic
from codegen.ir import Registry

Check = Callable[[Registry], Iterator[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    names.malformed_name,
    names.duplicate_provider,
    names.duplicate_upstream_vendor,
    names.confusable_names,
    names.malformed_env_name,
    names.untrimmed_id,
    references.unknown_provider,
    references.doubled_arm,
    references.doubled_entry,
    references.listed_and_withdrawn,
    references.unused_provider,
    patterns.redundant_alternative,
    arms.foreign_example,
    arms.unreachable_arm,
    arms.dead_pattern,
    arms.unreachable_example,
    arms.foreign_alias,
    arms.empty_runtime,
    overlaps.inseparable_arms,
    overlaps.overlapping_arms,
    overlaps.overlapping_providers,
    shadows.shadowed_listing,
    shadows.inseparable_listing,
    shadows.payer_changes_nearby,
    shadows.payer_by_variable,
    billing.name_only_platform,
    billing.name_only_vendor,
    billing.shared_platform_credential,
    billing.second_platform,
    billing.platform_by_another_name,
    endpoints.unknown_placeholder,
    endpoints.stray_brace,
    endpoints.unused_endpoint_var,
    endpoints.malformed_url,
    endpoints.unencrypted_url,
    endpoints.secret_in_url,
    endpoints.url_with_query,
    credentials.no_credential,
    credentials.unused_credential_header,
    credentials.undecided_header,
    credentials.credential_in_url,
    lifecycle.unroutable_default,
    lifecycle.withdrawn_default,
    lifecycle.unroutable_replacement,
    lifecycle.withdrawn_replacement,
    lifecycle.unknown_successor,
    lifecycle.no_successor,
    lifecycle.deprecated_default,
)


def check(registry: Registry) -> Iterator[Diagnostic]:
    """Yield what every check finds; unsorted, and possibly twice."""
    for rule in CHECKS:
        yield from rule(registry)
