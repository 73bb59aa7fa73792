"""The OpenAPI page: every route, every error code, and nothing that the source does not say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.refusals import Code
from tests.running import Running
from tests.test_access import described, operations

SOURCE = Path(__file__).resolve().parents[1] / "gateway"
# No route is described that does not exist, so these are on no route.
OFF_ROUTES = {"METHOD_NOT_ALLOWED"}


def codes_of(schema: Any) -> Iterator[str]:
    """Yield the codes that the schemas of an answer list."""
    if isinstance(schema, dict):
        code = schema.get("properties", {}).get("code", {})
        yield from code.get("enum", ())
        for value in schema.values():
            yield from codes_of(value)
    if isinstance(schema, list):
        for value in schema:
            yield from codes_of(value)


def documented(page: dict[str, Any]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Return what each route says that it answers: status and code."""
    return {
        (method, path): {
            (status, code)
            for status, answer in operation["responses"].items()
            for code in codes_of(answer)
        }
        for method, path, operation in operations(page)
    }


def raised() -> set[tuple[int, str]]:
    """Return the pairs of status and code that the source refuses with."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and "Refusal" in ast.unparse(node.func):
                match = re.match(r"(\d{3}), Code\.(\w+)", ", ".join(map(ast.unparse, node.args)))
                if match:
                    found.add((int(match[1]), match[2]))
    return found


def test_every_code_is_on_the_page_and_no_other(shared: Running) -> None:
    pairs = set().union(*documented(described(shared)).values())
    assert {code for _, code in pairs} == {code.value for code in Code} - OFF_ROUTES


def test_what_the_source_refuses_with_is_on_the_page(shared: Running) -> None:
    pairs = set().union(*documented(described(shared)).values())
    found = raised()
    assert len(found) > 20
    assert {pair for pair in found if (str(pair[0]), pair[1]) not in pairs} == set()


def test_every_route_says_how_it_fails(shared: Running) -> None:
    for (method, path), pairs in documented(described(shared)).items():
        assert {("503", "DATABASE_UNAVAILABLE"), ("500", "INTERNAL")} <= pairs, (method, path)


def test_every_error_has_a_body_of_one_of_three_shapes(shared: Running) -> None:
    for method, path, operation in operations(described(shared)):
        for status, answer in operation["responses"].items():
            if status[0] not in "45":
                continue
            whole = answer["content"]["application/json"]["schema"]
            is_wire = "/llm/" in path or "/v1/" in path
            for schema in whole.get("anyOf", [whole]):
                error = schema["properties"]["error"]
                needed = {"type", "message"} if is_wire and "anyOf" not in whole else {"message"}
                assert needed <= set(error["required"]), (method, path, status)
                assert "code" in error["properties"]
                assert "error" in schema["required"]


def test_a_route_in_a_wire_format_takes_an_object_with_a_model(shared: Running) -> None:
    page = described(shared)
    wires = [each for _, path, each in operations(page) if "/llm/" in path or "/v1/" in path]
    assert len(wires) == 6
    for operation in wires:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert schema["type"] == "object"
        assert "model" in schema["required"]
        assert operation["responses"]["200"]["content"].keys() == {
            "application/json",
            "text/event-stream",
        }


def test_no_route_is_named_twice_and_each_says_what_it_does(shared: Running) -> None:
    found = operations(described(shared))
    names = [operation["operationId"] for _, _, operation in found]
    assert len(names) == len(set(names))
    assert [operation for _, _, operation in found if not operation.get("description")] == []
