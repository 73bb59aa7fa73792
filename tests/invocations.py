"""How each command is called in a small project of somebody else; a new command needs a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MANIFEST = """\
schema_version: 1

providers:
  - name: acme
    display_name: Acme
    vendor_logo: acme
    protocol: openai
    auth_mode: third_party_anthropic_compat
    base_url_template: https://api.acme.example/v1
    base_url_anthropic: null
    auth_env: [ACME_API_KEY]
    model_prefix_match: '^acme-'

runtimes:
  agent:
    providers:
      - name: acme
        models:
          - acme-1
"""

# Sound up to the last line, so that all but the YAML of it can be read.
BROKEN = MANIFEST + "        - {\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A call of a command that succeeds, and what is special about the command.

    `before` are commands that are called first, and `files` are texts by name that the project
    holds besides its manifest. An endless command ends by an interrupt alone. `says` stands in
    what the command prints.
    """

    arguments: tuple[str, ...] = ()
    says: str
    before: tuple[tuple[str, ...], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    has_manifest: bool = True
    is_endless: bool = False


INVOCATIONS = {
    "check": Invocation(says="1 provider, 1 runtime, 1 arm, 1 listed id"),
    "generate": Invocation(says="generated: 12 written, 0 already up to date"),
    "verify": Invocation(before=(("generate",),), says="12 files, all as generated"),
    "watch": Invocation(is_endless=True, says="waiting for changes"),
    "fmt": Invocation(says="already formatted"),
    "explain": Invocation(arguments=("agent", "acme-1"), says="acme"),
    "diff": Invocation(
        arguments=("before.yaml",),
        files={"before.yaml": MANIFEST},
        says="before.yaml -> providers.yaml: no decision changes",
    ),
    "rules": Invocation(has_manifest=False, says="A003"),
    "explain-rule": Invocation(arguments=("A003",), has_manifest=False, says="# A003"),
    "schema": Invocation(says="json-schema.org"),
    "completion": Invocation(arguments=("bash",), has_manifest=False, says="complete -o nosort"),
}


def prepare(folder: Path, name: str) -> Path:
    """Fill a folder with a project in which a command can be called."""
    (folder / "providers.yaml").write_text(MANIFEST, encoding="utf-8")
    for path, text in INVOCATIONS[name].files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder
