"""Generated code as its reviewers' tools see it: formatters leave it alone, compilers pass it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import toolchains
from tests.builds import ROOT, Build
from tests.languages import DRIVERS, needed, run

both_builds = pytest.mark.parametrize("name", ["real_build", "everything_build"])


@pytest.fixture
def built(name: str, request: pytest.FixtureRequest) -> Build:
    found: Build = request.getfixturevalue(name)
    return found


@both_builds
def test_black_leaves_the_python_artifact_as_it_is(built: Build, name: str) -> None:
    run([sys.executable, "-m", "black", "--check", "--line-length", "88", str(built.python)])


@both_builds
def test_mypy_passes_the_python_artifact(built: Build, name: str, tmp_path: Path) -> None:
    cache = ["--cache-dir", str(tmp_path)]
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, *cache]
    run([*command, str(built.python.parent)])


def test_mypy_knows_the_types_that_users_rely_on(real_build: Build, tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    user.write_text(
        "from provider_registry import Provider, ProviderName, UnregisteredModelError\n"
        "from provider_registry import derive_provider\n"
        "found: Provider = derive_provider('codex', 'gpt-5.5', {'OPENAI_API_KEY'})\n"
        "name: ProviderName = found.name\n"
        "wrong: ProviderName = 'no-such-provider'\n"
        "derive_provider('codex')\n"
        "code: str = UnregisteredModelError.code\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "user.py"],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(real_build.out / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    pattern = r"^user\.py:(\d+): error:.*\[(.+)\]$"
    errors = re.findall(pattern, done.stdout, flags=re.MULTILINE)
    assert errors == [("5", "assignment"), ("6", "call-arg")], done.stdout


@both_builds
def test_gofmt_leaves_the_go_artifact_as_it_is(built: Build, name: str) -> None:
    gofmt = needed(toolchains.gofmt(), "gofmt")
    assert run([gofmt, "-d", str(built.out / "go")]) == ""


@both_builds
def test_go_vet_passes_the_go_artifact(built: Build, name: str) -> None:
    go = needed(toolchains.go(), "go")
    run([go, "vet", "./..."], cwd=built.out / "go", env=toolchains.environment())


@both_builds
def test_go_tools_know_the_artifact_for_generated(built: Build, name: str) -> None:
    for path in (built.out / "go").iterdir():
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert re.fullmatch(r"// Code generated .* DO NOT EDIT\.", first)


def test_go_driver_is_formatted() -> None:
    gofmt = needed(toolchains.gofmt(), "gofmt")
    assert (
        run(
            [
                gofmt,
                "-d",
                str(DRIVERS / "go"),
                str(ROOT / "examples" / "go"),
                str(ROOT / "benchmarks" / "go"),
            ]
        )
        == ""
    )


STRICT = [
    "--strict",
    "--target",
    "es2022",
    "--module",
    "nodenext",
    "--moduleResolution",
    "nodenext",
]
STRICTEST = [
    *STRICT,
    "--noUncheckedIndexedAccess",
    "--exactOptionalPropertyTypes",
    "--noImplicitReturns",
    "--noImplicitOverride",
    "--noUnusedLocals",
    "--noUnusedParameters",
    "--noFallthroughCasesInSwitch",
    "--noPropertyAccessFromIndexSignature",
]


def _tsc(work: Path, *arguments: str) -> str:
    node, script = needed(toolchains.node(), "node"), needed(toolchains.tsc(), "tsc")
    return run([node, script, *arguments], cwd=work)


@pytest.fixture
def npm_project(built: Build, tmp_path: Path) -> Path:
    """Give a folder in which the artifact is installed as npm would do it."""
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    shutil.copytree(built.out / "typescript", tmp_path / "node_modules" / "provider-registry")
    shutil.copytree(built.out / "typescript", tmp_path / "package")
    return tmp_path


@both_builds
@pytest.mark.parametrize("flags", [STRICT, STRICTEST], ids=["strict", "strictest"])
def test_typescript_passes_the_module_and_its_types(
    npm_project: Path, name: str, flags: list[str]
) -> None:
    _tsc(npm_project, "--noEmit", "--allowJs", "--checkJs", *flags, "package/registry.js")
    _tsc(npm_project, "--noEmit", *flags, "package/registry.d.ts")


@pytest.mark.parametrize("name", ["real_build"])
def test_typescript_types_are_what_users_expect(npm_project: Path, name: str) -> None:
    shutil.copy(DRIVERS / "typescript" / "surface.ts", npm_project)
    _tsc(npm_project, "--noEmit", *STRICTEST, "surface.ts")


# Every export of the module has exactly the type that the declarations give it.
SAME = """
import * as hand from "./package/registry.js";
import * as emitted from "./emitted/registry.js";
type Hand = typeof hand;
type Emitted = typeof emitted;
type Same<A, B> =
    (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Inexact = {
    [K in keyof Hand]: Same<Hand[K], Emitted[K]> extends true ? never : K;
}[keyof Hand];
export const keys: Same<keyof Hand, keyof Emitted> = true;
export const inexact: Same<Inexact, "RegistryError"> = true;
export const errors: Same<keyof hand.RegistryError, keyof emitted.RegistryError> = true;
declare let one: hand.RegistryError;
declare let other: emitted.RegistryError;
one = other;
other = one;
"""


@both_builds
def test_declarations_are_those_that_the_compiler_would_emit(npm_project: Path, name: str) -> None:
    emit = ["--allowJs", "--declaration", "--emitDeclarationOnly", "--outDir", "emitted"]
    _tsc(npm_project, *emit, *STRICT, "package/registry.js")
    path = npm_project / "emitted" / "registry.d.ts"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("./registry.d.ts", "../package/registry.d.ts"), encoding="utf-8")
    (npm_project / "same.ts").write_text(SAME, encoding="utf-8")
    _tsc(npm_project, "--noEmit", *STRICT, "same.ts")


@both_builds
def test_artifacts_have_no_dependency(built: Build, name: str) -> None:
    python = built.python.read_text(encoding="utf-8")
    go = (built.out / "go" / "registry_gen.go").read_text(encoding="utf-8")
    javascript = built.typescript.read_text(encoding="utf-8")
    assert set(re.findall(r"^\s*(?:from|import) (\w+)", python, flags=re.MULTILINE)) <= {
        "__future__",
        "collections",
        "typing",
    }
    block = re.search(r"^import \((.*?)^\)", go, flags=re.MULTILINE | re.DOTALL)
    assert block is not None
    assert all("." not in name for name in re.findall(r'"(.+)"', block[1]))
    assert not re.search(r"^\s*import\s|\brequire\(|\bimport\(\"(?!\.)", javascript, re.MULTILINE)
    assert "require " not in (built.out / "go" / "go.mod").read_text(encoding="utf-8")
    assert "ependencies" not in (built.out / "typescript" / "package.json").read_text("utf-8")


@both_builds
def test_artifacts_contain_no_regular_expression(built: Build, name: str) -> None:
    patterns = [provider.pattern.text for provider in built.registry.providers]
    code = [
        built.python.read_text(encoding="utf-8"),
        (built.out / "go" / "registry_gen.go").read_text(encoding="utf-8"),
        built.typescript.read_text(encoding="utf-8"),
        (built.out / "typescript" / "registry.d.ts").read_text(encoding="utf-8"),
    ]
    for text in code:
        assert not re.search(r"\bimport re\b|regexp|RegExp|\.(?:match|search|test)\(", text)
        found = [p for p in patterns if len(p) > 3 and p in text]
        assert found == []


def test_importing_the_python_artifact_loads_nothing_heavy(real_build: Build) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(real_build.out / 'python')!r}); "
        "before = set(sys.modules); import provider_registry; "
        "print(sorted(set(sys.modules) - before))"
    )
    loaded = run([sys.executable, "-I", "-B", "-c", program])
    assert not {"re2", "dataclasses", "inspect", "json", "yaml"} & set(re.findall(r"\w+", loaded))
