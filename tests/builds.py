"""Manifests compiled into folders, for tests that look at what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from codegen import emit, pipeline
from codegen.canonical import fingerprint
from codegen.ir import Registry
from codegen.options import Options
from codegen.render import Artifact
from codegen.source import Source
from codegen.targets import TARGETS

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "providers.yaml"
EVERYTHING = ROOT / "tests" / "manifests" / "everything.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A compiled manifest and the folder that holds its artifacts."""

    registry: Registry
    options: Options

    @property
    def out(self) -> Path:
        return self.options.out

    @property
    def python(self) -> Path:
        return self.out / "python" / self.options.python_package / "__init__.py"

    @property
    def typescript(self) -> Path:
        return self.out / "typescript" / "registry.js"


def registry_of(text: str) -> Registry:
    """Compile a manifest that must be valid."""
    loaded = pipeline.load_source(Source(path="manifest.yaml", text=text))
    assert loaded.registry is not None, [found.message for found in loaded.diagnostics]
    return loaded.registry


def options(out: Path, *targets: str, manifest: str = "providers.yaml") -> Options:
    return Options(manifest=Path(manifest), out=out, targets=targets or tuple(TARGETS))


def artifacts(registry: Registry, settings: Options) -> tuple[Artifact, ...]:
    return pipeline.artifacts(registry, settings)


def build(registry: Registry, out: Path, *targets: str) -> Build:
    """Write the artifacts of a registry into a folder."""
    return build_with(registry, options(out, *targets))


def build_with(registry: Registry, settings: Options) -> Build:
    """Write the artifacts of a registry, as options have it."""
    found, out = artifacts(registry, settings), settings.out
    tree = emit.Tree(out=out, artifacts=found, is_owned=lambda path: True)
    emit.write([tree], fingerprint(registry))
    return Build(registry=registry, options=settings)
