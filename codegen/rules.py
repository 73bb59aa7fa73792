"""The table of rules: one code, one name and one severity each; each is a function of its name."""

from __future__ import annotations

from collections.abc import Iterable

from codegen.diagnostics import Diagnostic, Note, Severity
from codegen.frozen import frozen
from codegen.source import Span

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

FAMILIES = {
    "Y": "YAML syntax",
    "S": "the shape of the data",
    "N": "names",
    "R": "references",
    "P": "patterns",
    "A": "arms and routing",
    "B": "billing",
    "E": "endpoints",
    "L": "lifecycle",
    "H": "hygiene",
    "T": "templates of runtimes",
}


@frozen
class Rule:
    """A rule of manifests or templates. `name` reads as the fault; no code changes its meaning."""

    code: str
    name: str
    severity: Severity

    @property
    def family(self) -> str:
        """The family in words, by the letter of the code."""
        return FAMILIES[self.code[0]]


def _rules(letter: str, *rows: tuple[str, Severity]) -> tuple[Rule, ...]:
    """Number the rules of a family. A rule that goes leaves a gap: pass ("", …) in its place."""
    return tuple(
        Rule(code=f"{letter}{number:03}", name=name, severity=severity)
        for number, (name, severity) in enumerate(rows, 1)
        if name
    )


RULES: tuple[Rule, ...] = (
    *_rules(
        "Y",
        ("unreadable_file", ERROR),
        ("yaml_syntax", ERROR),
        ("explicit_tag", ERROR),
        ("duplicate_key", ERROR),
        ("merge_key", ERROR),
        ("second_document", ERROR),
        ("collection_key", ERROR),
        ("endless_alias", ERROR),
        ("deep_nesting", ERROR),
        ("empty_manifest", ERROR),
        ("forbidden_character", ERROR),
    ),
    *_rules(
        "S",
        ("unknown_key", ERROR),
        ("missing_key", ERROR),
        ("wrong_type", ERROR),
        ("unknown_value", ERROR),
        ("empty_text", ERROR),
        ("unknown_schema_version", ERROR),
        ("unquoted_word", ERROR),
    ),
    *_rules(
        "N",
        ("malformed_name", ERROR),
        ("duplicate_provider", ERROR),
        ("duplicate_upstream_vendor", ERROR),
        ("confusable_names", ERROR),
        ("malformed_env_name", ERROR),
        ("untrimmed_id", ERROR),
        ("redefined_entry", ERROR),
    ),
    *_rules(
        "R",
        ("unknown_provider", ERROR),
        ("doubled_arm", ERROR),
        ("doubled_entry", ERROR),
        ("listed_and_withdrawn", ERROR),
        ("unused_provider", WARNING),
        ("unused_credential_header", WARNING),
    ),
    *_rules(
        "P",
        ("pattern_syntax", ERROR),
        ("unanchored_pattern", ERROR),
        ("unsupported_pattern", ERROR),
        ("oversized_pattern", ERROR),
        ("unfoldable_letter", ERROR),
        ("redundant_alternative", NOTE),
    ),
    *_rules(
        "A",
        ("unreachable_arm", ERROR),
        ("foreign_example", ERROR),
        ("inseparable_arms", ERROR),
        ("overlapping_arms", WARNING),
        ("overlapping_providers", WARNING),
        ("shadowed_listing", WARNING),
        ("inseparable_listing", WARNING),
        ("dead_pattern", WARNING),
        ("unreachable_example", WARNING),
        ("foreign_alias", WARNING),
        ("empty_runtime", WARNING),
    ),
    *_rules(
        "B",
        ("name_only_platform", ERROR),
        ("name_only_vendor", ERROR),
        ("shared_platform_credential", ERROR),
        ("second_platform", ERROR),
        ("platform_by_another_name", ERROR),
        ("payer_changes_nearby", WARNING),
        ("payer_by_variable", WARNING),
        ("overlay_names_platform", ERROR),
        ("overlay_claims_vendor", ERROR),
    ),
    *_rules(
        "E",
        ("unknown_placeholder", ERROR),
        ("stray_brace", ERROR),
        ("malformed_url", ERROR),
        ("unencrypted_url", WARNING),
        ("secret_in_url", ERROR),
        ("credential_in_url", ERROR),
        ("url_with_query", WARNING),
        ("undecided_header", WARNING),
    ),
    *_rules(
        "L",
        ("unroutable_default", ERROR),
        ("withdrawn_default", ERROR),
        ("unroutable_replacement", WARNING),
        ("withdrawn_replacement", WARNING),
        ("unknown_successor", WARNING),
        ("deprecated_default", WARNING),
        ("no_successor", NOTE),
    ),
    *_rules(
        "H",
        ("unused_endpoint_var", WARNING),
        ("suppression_without_reason", WARNING),
        ("unknown_suppression", WARNING),
        ("unused_suppression", WARNING),
        ("suppressed_error", WARNING),
        ("malformed_suppression", WARNING),
        ("no_credential", WARNING),
    ),
    *_rules(
        "T",
        ("unregistered_model", ERROR),
        ("withdrawn_model", ERROR),
        ("unresolved_default", ERROR),
        ("unoffered_default", WARNING),
        ("unknown_provider_tag", ERROR),
        ("foreign_provider_tag", ERROR),
        ("unlisted_platform_tag", ERROR),
        ("platform_behind_tag", ERROR),
        ("missing_platform_tag", WARNING),
        ("doubled_offer", WARNING),
        ("empty_offer", ERROR),
        ("untrimmed_offer", WARNING),
        ("blank_template", ERROR),
    ),
)

BY_NAME = {rule.name: rule for rule in RULES}
BY_CODE = {rule.code: rule for rule in RULES}


def found(
    name: str,
    span: Span,
    message: str,
    *,
    hint: str,
    notes: Iterable[Note] = (),
) -> Diagnostic:
    """Return a finding of the rule called `name`, with that rule's code and severity."""
    rule = BY_NAME[name]
    return Diagnostic(
        code=rule.code,
        severity=rule.severity,
        span=span,
        message=message,
        hint=hint,
        notes=tuple(notes),
    )
