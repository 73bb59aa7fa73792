"""Runs the scripts of this folder in Node and in Chromium, and bundles what they import."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

from benchmarks import rivals
from tests import toolchains

HERE = Path(__file__).resolve().parent


def _run(command: list[str], **kwargs: Any) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, **kwargs)
    printed: str = done.stdout
    return printed


def node(script: str, *arguments: str) -> Any:
    """Return what a script prints as JSON."""
    return json.loads(_run([str(toolchains.node()), str(HERE / script), *arguments]))


def genai_prices() -> Path:
    """Return the module of the rival."""
    return rivals.packages() / "node_modules" / "@pydantic" / "genai-prices" / "dist" / "index.js"


def version(package: str) -> str:
    """Return the version of a package that is installed among the rivals."""
    path = rivals.packages() / "node_modules" / package / "package.json"
    found: str = json.loads(path.read_text(encoding="utf-8"))["version"]
    return found


def bundled(source: str, form: str = "esm") -> str:
    """Return what esbuild makes of a module that imports others by absolute paths: minified."""
    script = toolchains.TYPESCRIPT / "bundle.mjs"
    command = [toolchains.node(), script, rivals.packages(), form]
    return _run([str(part) for part in command], input=source)


def gzipped(text: str) -> int:
    """Return the size of a text in bytes, compressed as well as gzip can."""
    return len(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))


def chromium(script: str, folder: Path) -> Any:
    """Return the value of `globalThis.answer` after a script ran in a page of its own."""
    page, task = folder / "page.html", folder / "task.json"
    closed = script.replace("</script", "<\\/script")
    page.write_text(f"<!doctype html><script>{closed}</script>", encoding="utf-8")
    steps = [{"do": "value", "expression": "globalThis.answer"}]
    task.write_text(json.dumps({"page": page.as_uri(), "steps": steps}), encoding="utf-8")
    browser, driver = toolchains.chromium(), toolchains.chromium_driver()
    command = [toolchains.node(), driver, browser, task]
    said = json.loads(_run([str(part) for part in command]))
    if said["complaints"]:
        raise RuntimeError(said["complaints"])
    return said["answers"][0]
