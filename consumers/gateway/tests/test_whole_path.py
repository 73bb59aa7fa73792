"""One request through everything: a guest of a session on each wire format."""

from __future__ import annotations

import httpx
import pytest

from gateway.formats.wires import Wire
from tests.running import Running
from tests.vendor import Vendor

PATHS = {
    Wire.RESPONSES: "openai/v1/responses",
    Wire.CHAT: "openai/v1/chat/completions",
    Wire.MESSAGES: "anthropic/v1/messages",
}
BODIES: dict[Wire, dict[str, object]] = {
    Wire.RESPONSES: {"input": "Hello"},
    Wire.CHAT: {"messages": [{"role": "user", "content": "Hello"}]},
    Wire.MESSAGES: {"max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]},
}


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("wire", list(Wire))
@pytest.mark.parametrize(
    ("runtime", "model", "key"),
    [
        ("codex", "openai-api/gpt-5.4", "OPENAI_API_KEY"),
        ("claude-code", "claude-sonnet-4-6", "ANTHROPIC_API_KEY"),
    ],
)
def test_a_guest_is_answered_on_every_wire(
    gateway: Running,
    vendor: Vendor,
    runtime: str,
    model: str,
    key: str,
    wire: Wire,
    is_stream: bool,
) -> None:
    made = gateway.session(runtime, model, secrets={key: "the-tenants-own-key"})
    token = made["environment"]["OPENAI_API_KEY"]
    url = f"{gateway.url}/api/runtime/sessions/{made['id']}/llm/{PATHS[wire]}"
    answer = httpx.post(
        url,
        headers={"authorization": f"Bearer {token}"},
        json={"model": model, "stream": is_stream, **BODIES[wire]},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert ("data:" in answer.text) == is_stream
    assert any(b"the-tenants-own-key" in line for line in vendor.received[-1].header_lines)
    assert token.encode() not in b"".join(vendor.received[-1].header_lines)
