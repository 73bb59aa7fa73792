"""Text from the manifest never breaks generated code: it is refused, or comes out the same."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen import pipeline
from codegen.ir import Registry
from codegen.render import Artifact
from codegen.source import Source
from codegen.vectors import Case, answer, vectors
from tests import toolchains
from tests.builds import artifacts, options, registry_of
from tests.languages import DRIVERS, Json, needed, run
from tests.strategies import (
    HIDDEN,
    HOSTILE_PIECES,
    drawn,
    hostile_manifests,
    manifest,
    provider,
    routed_manifests,
)

MANIFESTS = 500
ROUTED = 120


def _compiled(text: str) -> Registry | None:
    """Compile a manifest; a refusal is fine as long as it is a diagnostic."""
    loaded = pipeline.load_source(Source(path="hostile.yaml", text=text))
    assert loaded.registry is not None or loaded.diagnostics
    return loaded.registry


def _constants(registry: Registry) -> Json:
    case = Case(function="constants", arguments={})
    want: Json = json.loads(json.dumps(answer(registry, case)))
    return want


def _questions(registry: Registry) -> list[Json]:
    """Ask for all text, and route every id of the one runtime."""
    cases = [Case(function="constants", arguments={})]
    for runtime in registry.runtimes:
        ids = [*runtime.menu, *(gone.id for arm in runtime.arms for gone in arm.withdrawn)]
        for model in ids:
            arguments: Json = {"runtime": runtime.name, "model": model, "auth_env": []}
            cases.append(Case(function="derive_provider", arguments=arguments))
    return [{"fn": c.function, "args": c.arguments, "want": answer(registry, c)} for c in cases]


class _Batch:
    """Many compiled manifests in one folder, so that each toolchain starts only once."""

    def __init__(
        self,
        registries: list[Registry],
        work: Path,
        ask: Callable[[Registry], list[Json]] = _questions,
    ) -> None:
        self.registries = registries
        self.work = work
        self.cases = [ask(registry) for registry in registries]
        for index, registry in enumerate(registries):
            self._write(index, artifacts(registry, options(work, "python", "go", "typescript")))
            text = json.dumps({"cases": self.cases[index]}, ensure_ascii=False)
            (work / str(index) / "cases.json").write_text(text, encoding="utf-8")

    def _write(self, index: int, found: tuple[Artifact, ...]) -> None:
        for artifact in found:
            path = self.work / str(index) / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(artifact.text.encode("utf-8"))

    def _pairs(self, code: str) -> list[str]:
        return [
            str(self.work / str(index) / part)
            for index in range(len(self.registries))
            for part in (code, "cases.json")
        ]

    def python(self) -> str:
        driver = str(DRIVERS / "python" / "driver.py")
        code = "python/provider_registry/__init__.py"
        return run([sys.executable, "-I", "-B", driver, *self._pairs(code)])

    def typescript(self) -> str:
        node = needed(toolchains.node(), "node")
        driver = str(DRIVERS / "typescript" / "driver.mjs")
        return run([node, driver, *self._pairs("typescript/registry.js")])

    def types(self) -> None:
        node, script = needed(toolchains.node(), "node"), needed(toolchains.tsc(), "tsc")
        flags = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"]
        files = [
            str(self.work / str(index) / "typescript" / "registry.d.ts")
            for index in range(len(self.registries))
        ]
        run([node, script, *flags, *files], cwd=self.work)

    def _go_package(self, module: Path, index: int) -> None:
        """Put one registry, and a driver of its own, into the module as packages."""
        registry, asked = module / f"r{index}", module / f"d{index}"
        registry.mkdir(parents=True)
        asked.mkdir()
        shutil.copy(self.work / str(index) / "go" / "registry_gen.go", registry)
        text = (DRIVERS / "go" / "main.go").read_text(encoding="utf-8")
        text = text.replace("package main", f"package d{index}", 1)
        text = text.replace('"example.com/provider-registry"', f'"batch/r{index}"', 1)
        text = text.replace("func main()", "func Main()", 1)
        (asked / "driver.go").write_text(text, encoding="utf-8")

    def _go_main(self) -> str:
        numbers = range(len(self.registries))
        imports = "\n".join(f'\t"batch/d{number}"' for number in numbers)
        files = (json.dumps(str(self.work / str(number) / "cases.json")) for number in numbers)
        steps = "\n".join(
            f'\tos.Args = []string{{"driver", {file}}}\n\td{number}.Main()'
            for number, file in enumerate(files)
        )
        head = f'package main\n\nimport (\n\t"os"\n\n{imports}\n)\n'
        return f"{head}\nfunc main() {{\n{steps}\n}}\n"

    def go(self) -> str:
        """Build every registry as a package of one module, and ask each in one process."""
        go = needed(toolchains.go(), "go")
        module = self.work / "module"
        for index in range(len(self.registries)):
            self._go_package(module, index)
        (module / "main.go").write_text(self._go_main(), encoding="utf-8")
        (module / "go.mod").write_text("module batch\n\ngo 1.21\n", encoding="utf-8")
        binary = str(module / "batch.bin")
        # Unoptimised: the meaning is the same, and the compiler is done sooner.
        build = [go, "build", "-gcflags=-N -l", "-ldflags=-s -w", "-o", binary, "."]
        # Hundreds of packages that nobody builds again: not for the user's cache.
        environment = toolchains.environment() | {"GOCACHE": str(self.work / "go-cache")}
        run(build, cwd=module, env=environment)
        return run([binary])


def _check(batch: _Batch) -> None:
    wants = [json.loads(json.dumps(case["want"])) for cases in batch.cases for case in cases]
    for ask in (batch.python, batch.typescript, batch.go):
        answers = [json.loads(line) for line in ask().split("\n") if line]
        assert answers == wants, ask.__name__
    batch.types()


def _compiled_all(texts: list[str]) -> list[Registry]:
    return [registry for registry in map(_compiled, texts) if registry is not None]


def test_hostile_text_comes_out_of_all_languages_as_it_went_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = drawn(hostile_manifests(), MANIFESTS)
    registries = _compiled_all(texts)
    with capsys.disabled():
        print(f"\n{len(texts)} hostile manifests, {len(registries)} of them compiled")
    assert len(texts) >= MANIFESTS
    assert len(registries) >= MANIFESTS * 9 // 10
    _check(_Batch(registries, tmp_path))


@pytest.mark.parametrize("piece", HOSTILE_PIECES, ids=repr)
def test_each_hostile_piece_survives_in_a_display_name(piece: str) -> None:
    """One by one, so that a failure names the culprit; Python reads its own artifact back."""
    text = manifest([provider("acme", "^acme", display_name=piece)], {"a": {"providers": []}})
    registry = registry_of(text)
    (code,) = [
        artifact.text
        for artifact in artifacts(registry, options(Path("out"), "python"))
        if artifact.path.endswith("__init__.py")
    ]
    namespace: Json = {"__name__": "hostile"}
    exec(compile(code, "hostile", "exec", dont_inherit=True), namespace)
    assert namespace["PROVIDERS"][0].display_name == piece


@pytest.mark.parametrize("piece", HOSTILE_PIECES, ids=repr)
def test_each_hostile_piece_in_a_url_or_an_id_is_kept_or_refused(piece: str) -> None:
    url = f"https://x/{piece}"
    entry = provider("acme", "^acme", base_url_template=url)
    arm = {"name": "acme", "models": [piece]}
    text = manifest([entry], {"agent": {"providers": [arm]}})
    loaded = pipeline.load_source(Source(path="m.yaml", text=text))
    codes = {found.code for found in loaded.diagnostics}
    if loaded.registry is None:
        assert codes & {"E001", "E002", "N006"}
    else:
        assert loaded.registry.providers[0].base_url_template == url
        assert loaded.registry.runtimes[0].menu == (piece,)


@pytest.mark.parametrize("piece", ["\ud800", "a\udfffz"])
def test_lone_surrogate_is_refused_with_a_diagnostic(piece: str) -> None:
    text = manifest([provider("acme", "^acme", display_name=piece)], {})
    loaded = pipeline.load_source(Source(path="m.yaml", text=text))
    assert loaded.registry is None
    assert [found.code for found in loaded.diagnostics] == ["Y002"]


def test_no_generated_line_hides_anything(everything: Registry) -> None:
    """What a reviewer cannot see is escaped in every generated file."""
    nasty = provider("acme", "^acme", display_name="".join(HOSTILE_PIECES))
    hostile = registry_of(manifest([nasty], {"agent": {"providers": []}}))
    for registry in (everything, hostile):
        for artifact in artifacts(registry, options(Path("out"))):
            assert HIDDEN.search(artifact.text) is None, artifact.path


# Decisions, on manifests whose patterns and lists overlap as much as they can.


def test_random_manifests_are_decided_alike(tmp_path: Path) -> None:
    registries = _compiled_all(drawn(routed_manifests(), ROUTED))
    assert len(registries) >= ROUTED // 2
    _check(_Batch(registries, tmp_path, lambda registry: list(vectors(registry))))
