"""The checks, one module a family of rules; each yields diagnostics and does nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from codegen.checks import arms, endpoints, names, references
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
    arms.foreign_example,
    arms.unreachable_arm,
    endpoints.unknown_placeholder,
    endpoints.stray_brace,
    endpoints.unused_endpoint_var,
)


def check(registry: Registry) -> Iterator[Diagnostic]:
    """Yield what every check finds; unsorted, and possibly twice."""
    for rule in CHECKS:
        yield from rule(registry)
