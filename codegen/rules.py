"""The table of rules: one code, one name, one severity and one summary each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codegen.diagnostics import Diagnostic, Note, Severity
from codegen.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of the manifest. `name` reads as the fault; the code never changes its meaning."""

    code: str
    name: str
    summary: str
    severity: Severity = Severity.ERROR


RULES: tuple[Rule, ...] = (
    # Y: the file and its YAML
    Rule(code="Y001", name="unreadable_file", summary="The manifest cannot be read as text."),
    Rule(code="Y002", name="yaml_syntax", summary="The text is not YAML."),
    Rule(code="Y003", name="forbidden_yaml", summary="A YAML feature that hides what is meant."),
    Rule(code="Y004", name="duplicate_key", summary="A mapping has the same key twice."),
    # S: the shape of the data
    Rule(code="S001", name="unknown_key", summary="A key that schema version 1 does not have."),
    Rule(code="S002", name="missing_key", summary="A needed key is not there."),
    Rule(code="S003", name="wrong_type", summary="A value of another type than the key takes."),
    Rule(code="S004", name="unknown_value", summary="A value that is not one of the choices."),
    Rule(code="S005", name="empty_text", summary="A text that must not be empty is."),
    Rule(code="S006", name="unknown_schema_version", summary="A schema version of another time."),
    # N: names
    Rule(code="N001", name="malformed_name", summary="A name with characters a name cannot have."),
    Rule(code="N002", name="duplicate_provider", summary="Two providers share a name."),
    Rule(code="N003", name="duplicate_upstream_vendor", summary="Two providers claim a vendor."),
    Rule(code="N004", name="confusable_names", summary="Two names become one identifier."),
    Rule(code="N005", name="malformed_env_name", summary="Not the name of a variable."),
    Rule(code="N006", name="untrimmed_id", summary="An id that no request can ever name."),
    # R: references
    Rule(
        code="R001", name="unknown_provider", summary="An arm names a provider that is not there."
    ),
    Rule(code="R002", name="doubled_arm", summary="A runtime has two arms for one provider."),
    Rule(code="R003", name="doubled_entry", summary="A list names the same thing twice."),
    Rule(code="R004", name="listed_and_withdrawn", summary="An id both offered and withdrawn."),
    # P: patterns
    Rule(code="P001", name="pattern_syntax", summary="The pattern is not RE2."),
    Rule(code="P002", name="unanchored_pattern", summary="The pattern can match in mid-id."),
    Rule(code="P003", name="unsupported_pattern", summary="A construct that is not finite."),
    Rule(code="P004", name="oversized_pattern", summary="The pattern stands for too many ids."),
    Rule(code="P005", name="unfoldable_letter", summary="A non-ASCII letter that ignores case."),
    # A: arms and routing
    Rule(code="A001", name="unreachable_arm", summary="A name-only arm that no id can reach."),
    Rule(code="A002", name="foreign_example", summary="An example its own pattern does not match."),
    # E: endpoints
    Rule(code="E001", name="unknown_placeholder", summary="A placeholder with no endpoint_vars."),
    Rule(code="E002", name="stray_brace", summary="A brace that is no placeholder's."),
    # H: hygiene
    Rule(
        code="H001",
        name="unused_endpoint_var",
        summary="An endpoint variable no URL uses.",
        severity=Severity.WARNING,
    ),
)

_BY_NAME = {rule.name: rule for rule in RULES}


def found(
    name: str,
    span: Span,
    message: str,
    *,
    hint: str,
    notes: Iterable[Note] = (),
) -> Diagnostic:
    """Return a finding of the rule called `name`, with that rule's code and severity."""
    rule = _BY_NAME[name]
    return Diagnostic(
        code=rule.code,
        severity=rule.severity,
        span=span,
        message=message,
        hint=hint,
        notes=tuple(notes),
    )
