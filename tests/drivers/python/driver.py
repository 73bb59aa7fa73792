"""Answer conformance cases with a generated Python package.

Usage: driver.py PACKAGE_INIT CASES.json [PACKAGE_INIT CASES.json ...]
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

Json = dict[str, Any]


def load(init: str, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, init)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A NamedTuple looks its module up while the class is made.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def refusal(error: Any) -> Json:
    data = {
        "code": error.code,
        "message": str(error),
        "runtime": error.runtime,
        "model": error.model,
        "provider": error.provider,
        "candidates": error.candidates,
        "names": error.names,
        "reason": error.reason,
        "replacement": error.replacement,
        "suggestions": error.suggestions,
    }
    return {key: value for key, value in data.items() if value not in (None, "", ())}


def record(value: Any) -> Json | None:
    return None if value is None else dict(value._asdict())


def provider(found: Any) -> Json:
    return dict(found._asdict()) | {
        "endpoint_vars": [record(variable) for variable in found.endpoint_vars],
        "deprecated": record(found.deprecated),
    }


def runtime(found: Any) -> Json:
    arms = [
        dict(arm._asdict()) | {"withdrawn_models": [record(gone) for gone in arm.withdrawn_models]}
        for arm in found.arms
    ]
    return dict(found._asdict()) | {"arms": arms}


def constants(registry: ModuleType) -> Json:
    return {
        "schema_version": registry.SCHEMA_VERSION,
        "fingerprint": registry.FINGERPRINT,
        "credential_env_names": registry.CREDENTIAL_ENV_NAMES,
        "providers": [provider(found) for found in registry.PROVIDERS],
        "runtimes": [runtime(found) for found in registry.RUNTIMES],
    }


def validation(found: Any) -> Json:
    extra = {"message": found.message, "suggestions": found.suggestions}
    return dict(found._asdict()) | extra


def value(registry: ModuleType, name: str, arguments: Json) -> Any:
    if name == "constants":
        return constants(registry)
    found = getattr(registry, name)(**arguments)
    if name in ("derive_provider", "derive_provider_for_pin"):
        return found.name
    if name == "validate_model":
        return validation(found)
    if name == "providers_for_runtime":
        return [one.name for one in found]
    if name == "offered_models":
        return [record(one) for one in found]
    is_record = hasattr(found, "_asdict")
    return record(found) if is_record else found


def answers(registry: ModuleType, cases: list[Json]) -> Iterator[Json]:
    for case in cases:
        try:
            yield {"value": value(registry, case["fn"], case["args"])}
        except registry.RegistryError as error:
            yield {"error": refusal(error)}


def main(arguments: list[str]) -> None:
    for index in range(0, len(arguments), 2):
        registry = load(arguments[index], f"registry_{index}")
        cases = json.loads(Path(arguments[index + 1]).read_text(encoding="utf-8"))["cases"]
        for answer in answers(registry, cases):
            print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
