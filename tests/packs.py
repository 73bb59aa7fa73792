"""Target packs for tests: the example for Rust, asked through cargo, and small ones made up."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from codegen import packs
from codegen.ir import Registry
from codegen.options import Options
from codegen.packs import Pack
from codegen.targets import TARGETS
from tests import toolchains
from tests.builds import ROOT, Build, build_with, options
from tests.languages import DRIVERS, Cases, Json, run

RUST = ROOT / "examples" / "target-packs" / "rust"

HEAD = "# {{ header.marker }}\n# {{ header.command }}\n# {{ header.digest }}\n"

TINY = """\
view = 1
name = "tiny"

[quoting]
style = "braced"

[files]
"out.txt" = "out.txt.j2"
"""


def write_pack(folder: Path, description: str, templates: Mapping[str, str] | None = None) -> Path:
    """Write a pack; a template that is not given is a header and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "target.toml").write_text(description, encoding="utf-8")
    for name, text in {"out.txt.j2": HEAD, **(templates or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def pack_at(folder: Path) -> Pack:
    return packs.read(folder, tuple(TARGETS))


def with_pack(out: Path, pack: Pack, *targets: str) -> Options:
    """Return the options of a build with a pack; without targets, of that pack alone."""
    return replace(options(out), packs=(pack,), targets=targets or (pack.name,))


def build_of_pack(registry: Registry, out: Path, folder: Path) -> Build:
    """Write the artifacts of a pack, and of no other target, into a folder."""
    return build_with(registry, with_pack(out, pack_at(folder)))


# Rust

# No information for debuggers: to write it takes longer than to compile.
DRIVER_CRATE = """\
[package]
name = "driver"
version = "0.0.0"
edition = "2021"

[profile.dev]
debug = false
"""


def needed_cargo() -> str:
    """Return the cargo command; without it the test is skipped with the reason, in CI as well.

    Nothing installs it: what is proved is an example, and no part of the compiler.
    """
    command = toolchains.cargo()
    if command is None:
        pytest.skip("SKIPPED: cargo is not on this machine; nothing here installs it")
    return str(command)


def _tokens(value: object) -> list[str]:
    """Return JSON data as the driver reads it, which has no reader of JSON."""
    if isinstance(value, bool) or value is None:
        return [{None: "n", True: "t", False: "f"}[value]]
    if isinstance(value, str):
        return ["s" + quote(value, safe="")]
    if isinstance(value, dict):
        items = [token for pair in value.items() for item in pair for token in _tokens(item)]
        return [f"m{len(value)}", *items]
    assert isinstance(value, list)
    return [f"l{len(value)}", *(token for item in value for token in _tokens(item))]


def case_lines(cases: Cases) -> str:
    """Return cases a line each, as tests/drivers/rust/main.rs describes it."""
    lines = (" ".join([*_tokens(case["fn"]), *_tokens(case["args"])]) for case in cases)
    return "".join(f"{line}\n" for line in lines)


def cargo_environment(work: Path) -> dict[str, str]:
    """Return an environment in which a warning is an error and nothing is fetched."""
    return os.environ | {
        "RUSTFLAGS": "-D warnings",
        "CARGO_NET_OFFLINE": "true",
        "CARGO_TARGET_DIR": str(work / "target"),
    }


def ask_rust(build: Build, cases: Cases, work: Path) -> list[Json]:
    """Ask the crate of a build, through a crate that depends on it by path."""
    cargo = needed_cargo()
    (work / "src").mkdir(parents=True, exist_ok=True)
    shutil.copy(DRIVERS / "rust" / "main.rs", work / "src" / "main.rs")
    place = json.dumps(str(build.out / "rust"))
    crate = f"{DRIVER_CRATE}\n[dependencies]\nprovider-registry = {{ path = {place} }}\n"
    (work / "Cargo.toml").write_text(crate, encoding="utf-8")
    (work / "cases.txt").write_text(case_lines(cases), encoding="utf-8")
    run([cargo, "build", "--quiet"], cwd=work, env=cargo_environment(work))
    printed = run([str(work / "target" / "debug" / "driver"), str(work / "cases.txt")])
    return [json.loads(line) for line in printed.split("\n") if line]


def wants(cases: Sequence[Json]) -> list[Json]:
    """Return what the cases want, as JSON has it."""
    found: list[Json] = json.loads(json.dumps([case["want"] for case in cases]))
    return found
