"""The proxy of litellm: installed from its lock, and set up as its own pages say for production."""

from __future__ import annotations

import hashlib
import json
import subprocess
import venv
from pathlib import Path

from bench.processes import BUILD

LOCK = Path(__file__).resolve().parent / "litellm.lock"
MASTER_KEY = "sk-bench-master-key"
# What its pages ask for in production: no debug logs, and prices from the package itself
# instead of a download at start.
ENVIRONMENT = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}


def python() -> Path:
    """Return a Python that has litellm; installed once for each state of the lock."""
    folder = BUILD / "litellm"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    stamp = folder / ".installed"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        print(f"set-up: {LOCK.name}, into {folder.name}/", flush=True)
        _install(folder)
        stamp.write_text(digest, encoding="utf-8")
    return folder / "bin" / "python"


def _install(folder: Path) -> None:
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    options = ["--disable-pip-version-check", "--require-hashes", "-r", str(LOCK)]
    subprocess.run([*pip, *options], check=True)


def version() -> str:
    """Return the version that the lock names."""
    line = next(each for each in LOCK.read_text().splitlines() if each.startswith("litellm=="))
    return line.removeprefix("litellm==").partition(" ")[0]


def command(port: int, config: Path) -> list[str]:
    """Return the command line that starts it: one worker, as everything that is measured."""
    program = str(python().parent / "litellm")
    options = ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    return [program, "--config", str(config), *options]


def write_config(vendor: str, model: str, at_vendor: str) -> Path:
    """Write its settings: one model at the vendor, a master key, nothing else switched on."""
    parameters = {
        "model": f"openai/{at_vendor}",
        "api_base": f"{vendor}/v1",
        "api_key": "bench-key",
    }
    config = {
        "model_list": [{"model_name": model, "litellm_params": parameters}],
        "general_settings": {"master_key": MASTER_KEY},
        "litellm_settings": {
            "set_verbose": False,
            "json_logs": True,
            "callbacks": [],
            "num_retries": 0,
            "request_timeout": 600,
        },
    }
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / "litellm.yaml"
    # JSON is YAML too.
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
    return path
