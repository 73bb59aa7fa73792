"""Requests made from the OpenAPI page, right and wrong: each answer is one that the page names.

`FUZZ_EXAMPLES=500 python -m pytest tests/test_schema_fuzzing.py` looks longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.app import application
from gateway.settings import Settings
from gateway.storage.vault import new_key
from tests import running
from tests.conftest import everywhere
from tests.running import ADMIN, ADMIN_KEY, Running
from tests.vendor import vendor_thread

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20"))
MODEL = "claude-sonnet-4-6"
KEY = "the-tenants-own-key"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def _page() -> dict[str, Any]:
    # Only described, never started: no database is opened.
    return application(Settings(admin_key=ADMIN_KEY, secret_keys=new_key())).openapi()


SCHEMA = schemathesis.openapi.from_dict(_page())
OPERATIONS: dict[str, Any] = {
    operation.label: operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations())  # type: ignore[union-attr]
}


def _ways() -> Iterator[tuple[str, GenerationMode]]:
    for label, operation in OPERATIONS.items():
        yield label, GenerationMode.POSITIVE
        # What takes nothing can be asked nothing wrong.
        if operation.body or any(operation.iter_parameters()):
            yield label, GenerationMode.NEGATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A gateway, and names of what there is in it: those that a request may hit."""

    gateway: Running
    values: Mapping[str, str]
    token: str
    key: str

    def headers(self, path: str) -> dict[str, str]:
        if "/llm/" in path:
            return {"authorization": f"Bearer {self.token}"}
        return {"x-gateway-key": self.key} if path.startswith("/v1/") else ADMIN


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with vendor_thread() as vendor:
        deployment = running.settings(
            tmp_path_factory.mktemp("fuzzed"),
            base_urls=everywhere(f"{vendor.url}/v1"),
            credentials={"ANTHROPIC_API_KEY": KEY},
        )
        with running.gateway(deployment) as gateway:
            gateway.create("/users", id="ada")
            yield gateway


@pytest.fixture
def known(fuzzed: Running) -> Known:
    """What a test may hit; each has its own, since each may end or remove it."""
    session = fuzzed.session("claude-code", MODEL, secrets={"ANTHROPIC_API_KEY": KEY})
    key = fuzzed.create("/users/ada/keys")
    fuzzed.admin.put("/secrets/A_KEY", json={"value": "v"})
    values = {
        "session": session["id"],
        "identity": session["workspace"],
        "workspace": session["workspace"],
        "user": "ada",
        "id": "ada",
        "runtime": "claude-code",
        "name": "A_KEY",
        "run": "a-run",
        "fingerprint": key["fingerprint"],
        "model": MODEL,
        "override": "disabled",
    }
    return Known(
        gateway=fuzzed,
        values=values,
        token=session["environment"]["OPENAI_API_KEY"],
        key=key["key"],
    )


def hit(case: Case[Any], known: Known, wanted: Mapping[str, bool]) -> None:
    """Let a request hit what there is, in these of the places where it can."""
    body = case.body if isinstance(case.body, dict) else {}
    for name, is_wanted in wanted.items():
        for place in (case.path_parameters, case.query, body):
            if is_wanted and place and name in place:
                place[name] = known.values[name]
    if "/v1/" in case.path and wanted["model"] and "model" in body and "/llm/" not in case.path:
        body["model"] = f"anthropic/{MODEL}"


@pytest.mark.parametrize(("label", "mode"), list(_ways()), ids=str)
def test_every_answer_is_one_that_the_page_names(
    known: Known, label: str, mode: GenerationMode
) -> None:
    operation = OPERATIONS[label]
    names = st.fixed_dictionaries({name: st.booleans() for name in known.values})

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), wanted=names)
    def run(case: Case[Any], wanted: dict[str, bool]) -> None:
        if mode is GenerationMode.POSITIVE:
            hit(case, known, wanted)
        case.call_and_validate(
            base_url=known.gateway.url, headers=known.headers(operation.path), checks=CHECKS
        )

    run()
