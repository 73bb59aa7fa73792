"""The reference against the specification, clause by clause, with answers worked out by hand.

The artifacts are held to the reference; this is what holds the reference. Section names are
those of the semantics page.
"""

from __future__ import annotations

import pytest

from codegen import nearest, routing
from codegen.ir import Registry
from codegen.routing import Billing, BillingSource, Code, RefusalError
from tests.builds import EVERYTHING, MANIFEST, registry_of

REAL = registry_of(MANIFEST.read_text(encoding="utf-8"))
EVERY = registry_of(EVERYTHING.read_text(encoding="utf-8"))


def _derived(
    registry: Registry, runtime: str, model: str, *names: str, pinned: bool = False
) -> str:
    try:
        decision = routing.decide(registry, runtime, model, iter(names), pinned=pinned)
    except RefusalError as refused:
        return str(refused.code)
    return str(decision.provider.name)


# derive_provider: registry, runtime, model, names, answer
DERIVED = [
    # 1. trimmed; empty
    (EVERY, "ties", "", [], "model_required"),
    (EVERY, "ties", " \u3000\x85", [], "model_required"),
    (EVERY, "nowhere", "", [], "model_required"),
    (EVERY, "ties", "\u2028one-only\x85", [], "tie-one"),
    (EVERY, "ties", "\x1cone-only", [], "unregistered_model"),
    (EVERY, "ties", "\ufeffone-only", [], "unregistered_model"),
    # 2. unknown runtime, compared exactly
    (EVERY, "nowhere", "both", [], "unknown_runtime"),
    (EVERY, "Ties", "both", [], "unknown_runtime"),
    (EVERY, "ties ", "both", [], "unknown_runtime"),
    # 3. listed: one; several and the names
    (EVERY, "ties", "two-only", [], "tie-two"),
    (EVERY, "ties", "both", [], "tie-one"),
    (EVERY, "ties", "both", ["TIE_TWO_KEY"], "tie-two"),
    (EVERY, "ties", "both", ["TIE_ONE_KEY"], "tie-one"),
    (EVERY, "ties", "both", ["TIE_SHARED_KEY"], "tie-one"),
    (EVERY, "ties", "both", ["TIE_ONE_KEY", "TIE_TWO_KEY"], "tie-one"),
    (EVERY, "ties", "both", ["tie_two_key"], "tie-one"),
    (EVERY, "ties", "same/id", ["PLATFORM_TOKEN"], "platform"),
    (EVERY, "three", "all-three", ["TIE_SHARED_KEY"], "anything"),
    (EVERY, "three", "all-three", ["TIE_TWO_KEY"], "tie-two"),
    (EVERY, "three", "all-three", ["TIE_ONE_KEY", "TIE_TWO_KEY"], "anything"),
    (EVERY, "ties", "BOTH", [], "unregistered_model"),
    # 4. patterns, of arms with and without listed ids
    (EVERY, "ties", "tie-x", [], "tie-one"),
    (EVERY, "ties", "TIE-T", [], "tie-two"),
    (EVERY, "ties", "\u212a-series/1", [], "tie-two"),
    (EVERY, "ties", "\u017f3/x", [], "tie-two"),
    (EVERY, "ties", "xtie-x", [], "unregistered_model"),
    (EVERY, "cases", "exact-anyx", [], "unregistered_model"),
    (EVERY, "cases", "EXACT-ANY", [], "case-any"),
    (EVERY, "cases", "exact-none", [], "case-written"),
    (EVERY, "cases", "onlySe", [], "case-written"),
    (EVERY, "cases", "only\u017fe", [], "case-written"),
    (EVERY, "cases", "OnlySe", [], "unregistered_model"),
    (EVERY, "open", "anything at all", [], "anything"),
    (EVERY, "empty", "both", [], "unregistered_model"),
    # 5. several match
    (EVERY, "ties", "tie-t", [], "ambiguous_model"),
    (EVERY, "ties", "tie-t", ["TIE_ONE_KEY"], "tie-one"),
    (EVERY, "ties", "tie-t", ["TIE_TWO_KEY", "OTHER"], "tie-two"),
    (EVERY, "ties", "tie-t", ["TIE_SHARED_KEY"], "ambiguous_model"),
    (EVERY, "cases", "KiloGram", ["CASE_ANY_KEY"], "case-any"),
    # providers outside the runtime's arms are never chosen
    (EVERY, "cases", "two:x", [], "unregistered_model"),
    # withdrawn, even where a pattern would match
    (EVERY, "ties", "gone-plain", [], "withdrawn_model"),
    (EVERY, "open", "sub1-old", [], "withdrawn_model"),
    # the real manifest
    (REAL, "codex", "gpt-5.5", ["OPENAI_API_KEY"], "openai-api"),
    (REAL, "codex", "gpt-9", ["OPENAI_API_KEY"], "openai-subscription"),
    (REAL, "claude-code", "GLM-4.6", [], "zai"),
    (REAL, "claude-code", "Kimi-k9", [], "unregistered_model"),
]


@pytest.mark.parametrize(("registry", "runtime", "model", "names", "answer"), DERIVED)
def test_derive_provider(
    registry: Registry, runtime: str, model: str, names: list[str], answer: str
) -> None:
    assert _derived(registry, runtime, model, *names) == answer


@pytest.mark.parametrize(
    ("runtime", "model", "names", "answer"),
    [
        ("ties", "gone-plain", [], "tie-one"),
        ("ties", "gone-both", [], "tie-one"),
        ("ties", "gone-both", ["TIE_TWO_KEY"], "tie-two"),
        ("open", "sub1-old", [], "subscription"),
        ("ties", "both", ["TIE_TWO_KEY"], "tie-two"),
        ("ties", "nothing", [], "unregistered_model"),
    ],
)
def test_derive_provider_for_pin(runtime: str, model: str, names: list[str], answer: str) -> None:
    assert _derived(EVERY, runtime, model, *names, pinned=True) == answer


def _refusal(runtime: str, model: str, *names: str) -> RefusalError:
    with pytest.raises(RefusalError) as refused:
        routing.derive_provider(EVERY, runtime, model, names)
    return refused.value


def test_withdrawn_refusal_carries_reason_and_replacement() -> None:
    told, plain = _refusal("ties", "gone-told"), _refusal("ties", "gone-plain")
    assert (told.reason, told.replacement) == ('it "left"', "both")
    assert (plain.reason, plain.replacement) == (None, None)
    assert str(told) == 'model "gone-told" is withdrawn on runtime "ties"; use "both" instead'


@pytest.mark.parametrize(
    ("names", "candidates"),
    [
        ([], ("tie-one", "tie-two")),
        (["OTHER"], ("tie-one", "tie-two")),
        (["TIE_SHARED_KEY"], ("tie-one", "tie-two")),
    ],
)
def test_ambiguous_refusal_carries_the_candidates(
    names: list[str], candidates: tuple[str, ...]
) -> None:
    assert _refusal("ties", "tie-t", *names).candidates == candidates


def test_ambiguous_refusal_carries_those_that_the_names_left() -> None:
    """Of three that match, two meet the names: only these are candidates, sorted by name."""
    entries = [("zeta", "B"), ("alpha", "A"), ("mid", "B")]
    from tests.strategies import manifest, provider

    # A variable of its own for each, since arms that nothing separates are refused.
    providers = [provider(n, "^m", auth_env=[env, f"{n}_KEY"]) for n, env in entries]
    arms = [{"name": name, "models": [f"{name}-only"]} for name, _ in entries]
    registry = registry_of(manifest(providers, {"agent": {"providers": arms}}))
    with pytest.raises(RefusalError) as refused:
        routing.derive_provider(registry, "agent", "model", ["B"])
    assert refused.value.candidates == ("mid", "zeta")
    with pytest.raises(RefusalError) as refused:
        routing.derive_provider(registry, "agent", "model", ["none"])
    assert refused.value.candidates == ("alpha", "mid", "zeta")


@pytest.mark.parametrize(
    ("runtime", "model", "verdict", "is_allowed"),
    [
        ("ties", " ", "empty", True),
        ("nowhere", "", "empty", True),
        ("nowhere", "both", "unknown_runtime", True),
        ("ties", " both ", "listed", True),
        ("ties", "gone-plain", "withdrawn", False),
        ("ties", "tie-x", "routable", True),
        ("ties", "tie-t", "unregistered", False),
        ("ties", "nothing", "unregistered", False),
    ],
)
def test_validate_model(runtime: str, model: str, verdict: str, is_allowed: bool) -> None:
    found = routing.validate_model(EVERY, runtime, model)
    assert (found.verdict, found.is_allowed) == (verdict, is_allowed)
    if not is_allowed:
        assert f'"{model}"' in found.message
        assert f'"{runtime}"' in found.message


@pytest.mark.parametrize(
    ("runtime", "model", "suggestions"),
    [
        ("codex", "gpt5.5", ("gpt-5.5", "gpt-5.4", "gpt-5.2")),
        ("codex", "GPT-5.5", ("gpt-5.5", "gpt-5.4", "gpt-5.2")),
        ("codex", " gpt-5.4-mni ", ("gpt-5.4-mini",)),
        ("claude-code", "spous", ("opus",)),
        ("claude-code", "haiuk", ("haiku",)),
        ("codex", "no such model", ()),
        ("nowhere", "gpt-5.5", ()),
    ],
)
def test_suggest_models(runtime: str, model: str, suggestions: tuple[str, ...]) -> None:
    assert routing.suggest_models(REAL, runtime, model) == suggestions


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("", "abc", 3), ("abc", "abc", 0), ("abcd", "acbd", 1), ("ca", "abc", 3), ("a😀b", "a😀", 1)],
)
def test_distance_is_optimal_string_alignment(left: str, right: str, distance: int) -> None:
    """No substring is edited twice: "ca" to "abc" takes 3 steps, not the 2 of others."""
    assert nearest.distance(left, right, 9) == distance
    assert nearest.distance(right, left, 9) == distance


@pytest.mark.parametrize(
    ("model", "names", "override", "default", "pinned", "answer"),
    [
        ("both", [], "byok", "platform_managed", False, ("byok", "workspace_override", None)),
        ("", [], "disabled", "byok", False, ("disabled", "workspace_override", None)),
        ("both", [], "BYOK", "platform_managed", False, ("byok", "derived_provider", "tie-one")),
        ("both", [], "byok ", "platform_managed", False, ("byok", "derived_provider", "tie-one")),
        ("both", [], "", "platform_managed", False, ("byok", "derived_provider", "tie-one")),
        (
            "same/id",
            ["PLATFORM_TOKEN"],
            None,
            "byok",
            False,
            ("platform_managed", "derived_provider", "platform"),
        ),
        ("same/id", [], None, "byok", False, ("byok", "derived_provider", "tie-one")),
        ("tie-t", [], None, "byok", False, ("byok", "derived_default", None)),
        ("gone-plain", [], None, "byok", False, ("byok", "derived_default", None)),
        ("gone-plain", [], None, "byok", True, ("byok", "derived_provider", "tie-one")),
        ("x", [], None, "platform_managed", False, ("platform_managed", "derived_default", None)),
    ],
)
def test_resolve_billing_mode(
    model: str,
    names: list[str],
    override: str | None,
    default: str,
    pinned: bool,
    answer: tuple[str, str, str | None],
) -> None:
    mode, source, provider = answer
    found = routing.resolve_billing_mode(EVERY, "ties", model, names, override, default, pinned)
    assert found == Billing(mode=mode, source=BillingSource(source), provider=provider)


@pytest.mark.parametrize(
    ("model", "names", "answer"),
    [
        ("both", [], ("tie-one", ("TIE_ONE_KEY", "TIE_SHARED_KEY"))),
        ("both", ["TIE_SHARED_KEY"], None),
        ("both", ["OTHER"], ("tie-one", ("TIE_ONE_KEY", "TIE_SHARED_KEY"))),
        ("platform/model", [], None),
        ("no such", [], None),
        ("", [], None),
    ],
)
def test_missing_credentials(
    model: str, names: list[str], answer: tuple[str, tuple[str, ...]] | None
) -> None:
    found = routing.missing_credentials(EVERY, "ties", model, iter(names))
    assert (None if found is None else (found.provider, found.names)) == answer


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        ("openai/gpt-5.4", ("openai", "gpt-5.4", "openai-api")),
        ("openai:gpt-5.4", ("openai", "gpt-5.4", "openai-api")),
        ("openai/a/b:c", ("openai", "a/b:c", "openai-api")),
        ("openai:a/b", ("openai", "a/b", "openai-api")),
        ("minimax/", ("minimax", "", "minimax")),
        ("gpt-5.4", "bare_model"),
        (" openai/gpt", "bare_model"),
        ("platform/x", "bare_model"),
        ("", "model_required"),
    ],
)
def test_resolve_upstream(model: str, answer: tuple[str, str, str] | str) -> None:
    if isinstance(answer, str):
        with pytest.raises(RefusalError) as refused:
            routing.resolve_upstream(REAL, model)
        assert refused.value.code == answer
    else:
        found = routing.resolve_upstream(REAL, model)
        assert (found.vendor, found.model, found.provider) == answer


@pytest.mark.parametrize(
    ("provider", "protocol", "env", "answer"),
    [
        ("tie-two", "openai", {}, "https://two.example/v1"),
        ("tie-two", "anthropic", {}, "https://two.example/anthropic"),
        ("tie-one", "anthropic", {}, "no_surface"),
        ("tie-one", "grpc", {}, "no_surface"),
        ("nobody", "openai", {}, "unknown_provider"),
        ("case-written", "anthropic", {"CASE_PATH": "p"}, "https://eu-1.case.example/p/v1"),
        (
            "case-written",
            "anthropic",
            {"CASE_PATH": "{region}", "CASE_REGION": "us"},
            "https://us.case.example/{region}/v1",
        ),
        ("case-written", "anthropic", {"CASE_PATH": ""}, "missing_endpoint_var"),
        ("case-written", "anthropic", {"CASE_REGION": "us"}, "missing_endpoint_var"),
        ("subscription", "anthropic", {}, "https:///sub"),
    ],
)
def test_endpoint(provider: str, protocol: str, env: dict[str, str], answer: str) -> None:
    if answer in set(Code):
        with pytest.raises(RefusalError) as refused:
            routing.endpoint(EVERY, provider, protocol, env)
        assert refused.value.code == answer
        assert not any(value and value in str(refused.value) for value in env.values())
    else:
        assert routing.endpoint(EVERY, provider, protocol, env) == answer


@pytest.mark.parametrize(
    ("provider", "model", "answer"),
    [
        ("case-written", "m", "case/m"),
        ("case-written", "case/m", "case/m"),
        ("case-written", "case/case/m", "case/case/m"),
        ("tie-one", "m", "m"),
    ],
)
def test_wire_model(provider: str, model: str, answer: str) -> None:
    assert routing.wire_model(EVERY, provider, model) == answer


BEARER, API_KEY = ("Authorization", "Bearer "), ("x-api-key", "")


@pytest.mark.parametrize(
    ("registry", "provider", "protocol", "layers", "name", "layer", "header"),
    [
        (REAL, "minimax", "openai", [{"MINIMAX_API_KEY"}], "MINIMAX_API_KEY", 0, BEARER),
        (REAL, "minimax", "anthropic", [{"MINIMAX_API_KEY"}], "MINIMAX_API_KEY", 0, BEARER),
        (REAL, "minimax", "anthropic", [{"ANTHROPIC_API_KEY"}], "ANTHROPIC_API_KEY", 0, API_KEY),
        (REAL, "moonshot", "anthropic", [{"KIMI_API_KEY"}], "KIMI_API_KEY", 0, API_KEY),
        (REAL, "moonshot", "openai", [{"KIMI_API_KEY"}], "KIMI_API_KEY", 0, BEARER),
        (
            REAL,
            "kimi-coding",
            "anthropic",
            [{"ANTHROPIC_AUTH_TOKEN"}],
            "ANTHROPIC_AUTH_TOKEN",
            0,
            BEARER,
        ),
        # the first layer that has any wins; inside it, the provider's own order
        (
            REAL,
            "zai",
            "anthropic",
            [set(), {"ANTHROPIC_API_KEY"}, {"GLM_API_KEY"}],
            "ANTHROPIC_API_KEY",
            1,
            API_KEY,
        ),
        (
            REAL,
            "zai",
            "anthropic",
            [{"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"}],
            "ANTHROPIC_AUTH_TOKEN",
            0,
            BEARER,
        ),
        # credential_headers of the manifest stand beside the two of the specification
        (EVERY, "tie-two", "anthropic", [{"VENDOR_TOKEN"}], "VENDOR_TOKEN", 0, BEARER),
        (EVERY, "tie-two", "anthropic", [{"TIE_TWO_KEY"}], "TIE_TWO_KEY", 0, API_KEY),
        (EVERY, "platform", "anthropic", [{"PLATFORM_TOKEN"}], "PLATFORM_TOKEN", 0, API_KEY),
        # neither name is in the table: a bearer token
        (REAL, "openai-api", "anthropic", [{"OPENAI_API_KEY"}], "OPENAI_API_KEY", 0, BEARER),
    ],
)
def test_select_credential(
    registry: Registry,
    provider: str,
    protocol: str,
    layers: list[set[str]],
    name: str,
    layer: int,
    header: tuple[str, str],
) -> None:
    found = routing.select_credential(registry, provider, protocol, layers)
    assert (found.name, found.layer, (found.header, found.prefix)) == (name, layer, header)
    version = (("anthropic-version", "2023-06-01"),)
    assert found.extra_headers == (version if protocol == "anthropic" else ())


@pytest.mark.parametrize(
    ("provider", "protocol", "code", "names"),
    [
        ("zai", "anthropic", Code.MISSING_CREDENTIAL, 3),
        ("anthropic-oauth", "anthropic", Code.NOT_PROXYABLE, 0),
        ("zai", "grpc", Code.NO_SURFACE, 0),
        ("nobody", "openai", Code.UNKNOWN_PROVIDER, 0),
    ],
)
def test_select_credential_refuses(provider: str, protocol: str, code: Code, names: int) -> None:
    with pytest.raises(RefusalError) as refused:
        routing.select_credential(REAL, provider, protocol, [{"CLAUDE_CODE_OAUTH_TOKEN"}, set()])
    assert refused.value.code is code
    assert len(refused.value.names) == names


def test_offered_models_are_sorted_and_say_who_pays() -> None:
    offered = routing.offered_models(EVERY, "ties", ["TIE_TWO_KEY", "PLATFORM_TOKEN"])
    assert [(m.id, m.provider, m.is_platform, m.auth_env) for m in offered] == [
        ("both", "tie-two", False, ("TIE_TWO_KEY", "TIE_SHARED_KEY", "VENDOR_TOKEN", "VENDOR_KEY")),
        ("one-only", "tie-one", False, ("TIE_ONE_KEY", "TIE_SHARED_KEY")),
        ("platform/model", "platform", True, ()),
        ("same/id", "platform", True, ()),
        (
            "two-only",
            "tie-two",
            False,
            ("TIE_TWO_KEY", "TIE_SHARED_KEY", "VENDOR_TOKEN", "VENDOR_KEY"),
        ),
    ]


def test_menus_keep_the_order_and_the_first_mention() -> None:
    assert routing.models_for_runtime(EVERY, "ties") == (
        "both",
        "one-only",
        "same/id",
        "two-only",
        "platform/model",
    )
    assert routing.providers_for_runtime(EVERY, "ties") == ("tie-one", "tie-two", "platform")
    assert routing.models_for_runtime(EVERY, "empty") == ()
    with pytest.raises(RefusalError):
        routing.models_for_runtime(EVERY, "nowhere")


def test_credential_env_names_are_all_of_them_sorted() -> None:
    names = EVERY.credential_env_names()
    assert list(names) == sorted(names)
    assert {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "SUB_TOKEN", "VENDOR_KEY"} <= set(names)
    assert "CASE_REGION" not in names


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", '"a"'),
        ('"\\', '"\\u{22}\\u{5c}"'),
        ("\n\x85\u202e\ufeff", '"\\u{a}\\u{85}\\u{202e}\\u{feff}"'),
        ("x" * 101, '"' + "x" * 100 + '…"'),
        ("é😀", '"é😀"'),
    ],
)
def test_messages_show_ids_that_cannot_hide_or_flood(text: str, shown: str) -> None:
    assert routing.quoted(text) == shown
