"""The example pack for Rust: it compiles without a warning, and decides as the reference does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from codegen import pipeline
from codegen.ir import Registry
from codegen.source import Source
from codegen.vectors import Case, answer, vectors
from tests import toolchains
from tests.builds import Build, registry_of
from tests.languages import DRIVERS, Json, disagreements, run
from tests.packs import (
    DRIVER_CRATE,
    RUST,
    ask_rust,
    build_of_pack,
    cargo_environment,
    case_lines,
    needed_cargo,
    wants,
)
from tests.strategies import (
    HOSTILE_PIECES,
    drawn,
    hostile_manifests,
    manifest,
    provider,
    routed_manifests,
)


@pytest.fixture(scope="module")
def builds(
    registry: Registry, everything: Registry, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Build]:
    out = tmp_path_factory.mktemp("rust")
    registries = {"real": registry, "everything": everything}
    return {
        name: build_of_pack(found, out / name / "generated", RUST)
        for name, found in registries.items()
    }


def _cases(build: Build) -> list[Json]:
    """Return the cases of a build as its vectors.json would have them."""
    found: list[Json] = json.loads(json.dumps(list(vectors(build.registry))))
    return found


@pytest.mark.parametrize("name", ["real", "everything"])
def test_rust_agrees_with_the_reference_on_every_vector(
    name: str, builds: dict[str, Build], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = _cases(builds[name])
    answers = ask_rust(builds[name], cases, tmp_path)
    assert disagreements(cases, answers) == []
    with capsys.disabled():
        print(f"\nrust: {len(answers):,} of {len(cases):,} answers agree ({name})")


# kind of corruption -> the source to find, and what stands there instead
MUTANTS = {
    "another provider in a prefix row": (
        r'(key: "glm-",\s+variants: &\[\s+Variant \{ literal: "", owners: )&\[&providers::ZAI\]',
        r"\1&[&providers::DEEPSEEK]",
    ),
    "an arm dropped from a tie": (
        r'(id: "gpt-5.4", owners: &\[)&providers::OPENAI_SUBSCRIPTION, ',
        r"\1",
    ),
    "a case flag flipped to as-written": (
        r'(key: "qwen",\s+variants: &\[\s+Variant \{ literal: )""',
        r'\1"qwen"',
    ),
    "a listed id given to another payer": (
        r'(id: "minimax/MiniMax-M3", owners: &\[&providers::)PLATFORM',
        r"\1MINIMAX",
    ),
    "a character taken out of the white space": (r"    '\\u\{3000\}',\n", ""),
}


@pytest.mark.parametrize("kind", MUTANTS)
def test_corrupted_crate_turns_the_run_red(
    kind: str, builds: dict[str, Build], tmp_path: Path
) -> None:
    needed_cargo()
    out = tmp_path / "mutant"
    shutil.copytree(builds["real"].out, out)
    mutant = replace(builds["real"], options=replace(builds["real"].options, out=out))
    path = out / "rust" / "src" / "lib.rs"
    edited, count = re.subn(*MUTANTS[kind], path.read_text(encoding="utf-8"), count=1)
    assert count == 1
    path.write_text(edited, encoding="utf-8")
    cases = _cases(builds["real"])
    assert disagreements(cases, ask_rust(mutant, cases, tmp_path / "work"))


@pytest.mark.parametrize("name", ["real", "everything"])
def test_rustfmt_leaves_the_crate_as_it_is(name: str, builds: dict[str, Build]) -> None:
    command = toolchains.rustfmt()
    if command is None:
        pytest.skip("SKIPPED: rustfmt is not on this machine; nothing here installs it")
    path = builds[name].out / "rust" / "src" / "lib.rs"
    run([str(command), "--edition", "2021", "--check", str(path)])


def test_lint_for_undocumented_items_is_on(builds: dict[str, Build], tmp_path: Path) -> None:
    """Warnings fail the crate, so its every public item has a comment: as long as this is red."""
    cargo, folder = needed_cargo(), tmp_path / "crate"
    shutil.copytree(builds["everything"].out / "rust", folder)
    with (folder / "src" / "lib.rs").open("a", encoding="utf-8") as stream:
        stream.write("\npub fn undocumented() {}\n")
    done = subprocess.run(
        [cargo, "check", "--quiet"],
        cwd=folder,
        env=cargo_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "missing documentation for a function" in done.stderr


# other manifests: one crate of many modules, for one build takes less than many

HOSTILE, ROUTED = 10, 6


def _nasty() -> str:
    """Return a manifest that has every hostile piece in one text and each in an id."""
    entry = provider(
        "acme", "^acme", display_name="".join(HOSTILE_PIECES), tooltip="\n".join(HOSTILE_PIECES)
    )
    ids = [f"<{piece}>" for piece in dict.fromkeys(HOSTILE_PIECES) if piece.strip() == piece]
    return manifest([entry], {"agent": {"providers": [{"name": "acme", "models": ids}]}})


def _questions(registry: Registry) -> list[Json]:
    cases = [Case(function="constants", arguments={})]
    for runtime in registry.runtimes:
        for model in runtime.menu:
            arguments: Json = {"runtime": runtime.name, "model": model, "auth_env": []}
            cases.append(Case(function="derive_provider", arguments=arguments))
    return [{"fn": c.function, "args": c.arguments, "want": answer(registry, c)} for c in cases]


def _batch(asked: list[tuple[Registry, list[Json]]], work: Path) -> None:
    """Write a crate with a module and a driver for each registry, and a file of its cases."""
    source = work / "src"
    source.mkdir(parents=True)
    driver = (DRIVERS / "rust" / "main.rs").read_text(encoding="utf-8")
    modules, calls = "", ""
    for index, (registry, cases) in enumerate(asked):
        made = build_of_pack(registry, work / f"out{index}", RUST)
        shutil.copy(made.out / "rust" / "src" / "lib.rs", source / f"r{index}.rs")
        own = driver.replace(
            "use provider_registry as registry;", f"use driver::r{index} as registry;"
        )
        (source / f"d{index}.rs").write_text(
            own.replace("fn main", "pub fn main"), encoding="utf-8"
        )
        modules += f"pub mod r{index};\n"
        calls += f'    d{index}::answer_all("{index}.txt");\n'
        (work / f"{index}.txt").write_text(case_lines(cases), encoding="utf-8")
    (source / "lib.rs").write_text(modules, encoding="utf-8")
    mains = modules.replace("pub mod r", "mod d")
    main = f"#![allow(dead_code)]\n{mains}\nfn main() {{\n{calls}}}\n"
    (source / "main.rs").write_text(main, encoding="utf-8")
    (work / "Cargo.toml").write_text(DRIVER_CRATE, encoding="utf-8")


def test_hostile_text_and_random_manifests_come_out_of_rust_as_they_went_in(
    tmp_path: Path,
) -> None:
    cargo = needed_cargo()
    hostile = map(registry_of, [_nasty(), *drawn(hostile_manifests(), HOSTILE)])
    sources = (Source(path="m.yaml", text=text) for text in drawn(routed_manifests(), 4 * ROUTED))
    loaded = (pipeline.load_source(source).registry for source in sources)
    routed = list(islice((registry for registry in loaded if registry is not None), ROUTED))
    assert len(routed) == ROUTED
    asked = [(registry, _questions(registry)) for registry in hostile]
    asked += [(registry, list(vectors(registry))) for registry in routed]
    _batch(asked, tmp_path)
    run([cargo, "build", "--quiet"], cwd=tmp_path, env=cargo_environment(tmp_path))
    printed = run([str(tmp_path / "target" / "debug" / "driver")], cwd=tmp_path)
    answers = [json.loads(line) for line in printed.split("\n") if line]
    assert answers == wants([case for _, cases in asked for case in cases])
