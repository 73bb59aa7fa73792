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

    `says` stands in what the command prints. `missing` are arguments that name a file which is not
    there. `before` are commands that are called first, and `files` are texts by name that the
    project holds besides its manifest. An endless command ends by an interrupt alone.
    """

    arguments: tuple[str, ...] = ()
    says: str
    missing: tuple[str, ...] = ("--manifest", "nowhere.yaml")
    before: tuple[tuple[str, ...], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    has_manifest: bool = True
    is_endless: bool = False


_TEMPLATE = "runtime_config:\n  models:\n    - id: acme-1\n"

INVOCATIONS = {
    "check": Invocation(says="1 provider, 1 runtime, 1 arm, 1 listed id"),
    "generate": Invocation(says="generated: 12 written, 0 already up to date"),
    "verify": Invocation(before=(("generate",),), says="12 files, all as generated"),
    "watch": Invocation(is_endless=True, says="waiting for changes"),
    "fmt": Invocation(says="already formatted"),
    "explain": Invocation(
        arguments=("agent", "acme-1"),
        missing=("agent", "acme-1", "--manifest", "nowhere.yaml"),
        says="acme",
    ),
    "matrix": Invocation(says="agent: 1 arm, 1 listed id"),
    "diff": Invocation(
        arguments=("old.yaml", "providers.yaml"),
        missing=("nowhere.yaml", "providers.yaml"),
        files={"old.yaml": MANIFEST.replace("acme-1", "acme-2")},
        says='the menu gains "acme-1"',
    ),
    "check-template": Invocation(
        arguments=("template.yaml", "--runtime", "agent"),
        missing=("nowhere.yaml", "--runtime", "agent"),
        files={"template.yaml": _TEMPLATE},
        says="1 of 1 id is allowed on agent",
    ),
    "sync": Invocation(
        arguments=("--from", "source", "registry.json", "--to", "vendor"),
        missing=("--from", "source", "nowhere.json", "--to", "vendor"),
        files={"source/registry.json": "{}\n"},
        has_manifest=False,
        says="wrote    vendor/registry.json",
    ),
    "rules": Invocation(has_manifest=False, missing=(), says="A003"),
    "explain-rule": Invocation(arguments=("A003",), has_manifest=False, missing=(), says="# A003"),
    "schema": Invocation(says="json-schema.org"),
    "completion": Invocation(
        arguments=("bash",), has_manifest=False, missing=(), says="complete -o nosort"
    ),
}


def prepare(folder: Path, name: str) -> Path:
    """Fill a folder with a project in which a command can be called."""
    (folder / "providers.yaml").write_text(MANIFEST, encoding="utf-8")
    for path, text in INVOCATIONS[name].files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder
