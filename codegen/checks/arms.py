"""Rules about arms: that each can be reached, and that examples are what they say."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.diagnostics import Diagnostic
from codegen.ir import Registry
from codegen.probes import owns, probe
from codegen.rules import found


def foreign_example(registry: Registry) -> Iterator[Diagnostic]:
    """An example is an id that the provider's own pattern matches."""
    for provider in registry.providers:
        for example in provider.examples if provider.pattern.rules else ():
            if not owns(provider, example):
                yield found(
                    "foreign_example",
                    example.span,
                    f'"{example}" does not match the pattern of "{provider.name}"',
                    hint=f"give an id that {provider.pattern.text} matches",
                )


def unreachable_arm(registry: Registry) -> Iterator[Diagnostic]:
    """A name-only arm needs an id that no other arm of its runtime claims."""
    for runtime in registry.runtimes:
        for arm, provider in registry.arms(runtime):
            is_settled = not arm.is_name_only or not provider.pattern.rules
            if not is_settled and probe(registry, runtime, provider) is None:
                yield found(
                    "unreachable_arm",
                    arm.provider.span,
                    f'no id reaches "{provider.name}" on runtime "{runtime.name}": '
                    "other arms claim everything its pattern matches",
                    hint="narrow the other patterns, or list this arm's models",
                )
