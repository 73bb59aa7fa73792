"""The Python package as its users have it: quick to import, with its types whole all the same."""

from __future__ import annotations

import copy
import pickle
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codegen import syntax
from codegen.ir import Registry
from codegen.parse import parse
from codegen.routing import RefusalError, derive_provider
from codegen.source import Source
from tests.builds import Build, build
from tests.drivers.python import driver
from tests.languages import run
from tests.strategies import manifest, provider

WORDS = {
    "AuthMode": ("anthropic_api", "oauth", "third_party_anthropic_compat", "wif_adc"),
    "BillingMode": ("platform_managed", "byok", "disabled"),
    "Protocol": ("openai", "anthropic"),
}


@pytest.fixture(scope="module")
def package(real_build: Build) -> ModuleType:
    return driver.load(str(real_build.python), "package_as_users_have_it")


def test_import_loads_neither_typing_nor_what_it_needs(real_build: Build) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(real_build.out / 'python')!r}); "
        "import provider_registry as r; print('typing' in sys.modules, 're' in sys.modules); "
        "r.Protocol; print('typing' in sys.modules)"
    )
    loaded = run([sys.executable, "-I", "-S", "-B", "-c", program])
    assert loaded == "False False\nTrue\n"


@pytest.mark.parametrize(("name", "words"), WORDS.items())
def test_types_of_words_are_literals(package: ModuleType, name: str, words: object) -> None:
    assert typing.get_args(getattr(package, name)) == words


def test_types_of_names_have_every_name(package: ModuleType, registry: Registry) -> None:
    names = typing.get_args(package.ProviderName)
    runtimes = typing.get_args(package.RuntimeName)
    assert names == tuple(found.name for found in registry.providers)
    assert runtimes == tuple(found.name for found in registry.runtimes)


def test_every_public_name_is_there(package: ModuleType) -> None:
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    assert package.Verdict == package.Verdict


def test_names_that_are_not_there_say_so(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'derive_providr'"):
        _ = package.derive_providr


def test_hints_of_records_can_be_read(package: ModuleType) -> None:
    hints = typing.get_type_hints(package.Billing)
    assert hints == {"mode": str, "source": str, "provider": str | None}
    assert typing.get_type_hints(package.Provider)["deprecated"] == package.Deprecation | None


def test_records_are_named_tuples(package: ModuleType) -> None:
    gone = package.WithdrawnModel("a", replacement="b")
    assert gone == ("a", None, "b")
    assert gone._fields == ("id", "reason", "replacement")
    assert gone._field_defaults == {"reason": None, "replacement": None}
    assert gone._replace(reason="old") == ("a", "old", "b")
    assert repr(gone) == "WithdrawnModel(id='a', reason=None, replacement='b')"
    assert (
        package.WithdrawnModel.__doc__ == "An id that is off the menu but still owned by its arm."
    )
    with pytest.raises(TypeError):
        package.WithdrawnModel()
    with pytest.raises(AttributeError):
        gone.id = "c"


def test_records_survive_a_pickle(package: ModuleType) -> None:
    assert pickle.loads(pickle.dumps(package.PROVIDERS)) == package.PROVIDERS
    verdict = package.validate_model("codex", "nothing-like-it")
    assert pickle.loads(pickle.dumps(verdict)).message == verdict.message


def _refusal(package: ModuleType, runtime: str, model: str) -> Any:
    with pytest.raises(package.RegistryError) as caught:
        package.derive_provider(runtime, model)
    return caught.value


def _same(error: Any) -> Any:
    return error


@pytest.mark.parametrize(
    "again", [_same, copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_errors_keep_what_they_carry(package: ModuleType, again: Callable[[Any], Any]) -> None:
    error = again(_refusal(package, "codex", "gpt5.4"))
    assert (error.code, error.runtime, error.model) == ("unregistered_model", "codex", "gpt5.4")
    assert error.suggestions[0] == "gpt-5.4"
    surface = again(package.NoSurfaceError(provider="google", protocol="anthropic"))
    assert (surface.provider, surface.protocol) == ("google", "anthropic")
    assert str(surface) == 'provider "google" has no "anthropic" surface'


# Keys of every length around that of a head: shorter, as long, longer, and one inside the other.
PATTERNS = {
    "all": "^",
    "one": "^(?i:a)",
    "two": "^ab",
    "three": "^(?i:abc)",
    "four": "^abcd",
    "five": "^(?i:abcde)",
    "whole": "^(?i:abc)$",
    "cased": "^ABCDEF",
    "apart": "^(?i:xk)",
}
IDS = (
    *(
        "",
        "a",
        "A",
        "ab",
        "AB",
        "abc",
        "ABC",
        "abcd",
        "ABCD",
        "abcde",
        "aBcDe",
        "ABCDEF",
        "abcdefg",
    ),
    *("x", "xk", "x\u212a", "x\u212a-long", "zzz", "zzzzz", "\udfff"),
)


def _unchecked(text: str) -> Registry:
    """Return what a manifest says, though no id reaches some of its arms, and that is an error."""
    source = Source(path="manifest.yaml", text=text)
    root, _ = syntax.compose(source)
    assert root is not None
    return parse(source, root)[0]


def _answer(registry: Registry, runtime: str, model: str) -> object:
    try:
        return derive_provider(registry, runtime, model, ()).name
    except RefusalError as error:
        return error.code, error.candidates


def _made(package: ModuleType, runtime: str, model: str) -> object:
    try:
        return package.derive_provider(runtime, model).name
    except package.RegistryError as error:
        return error.code, error.candidates


@pytest.mark.parametrize("left_out", [None, *PATTERNS])
def test_keys_around_the_length_of_a_head_are_found(left_out: str | None, tmp_path: Path) -> None:
    """The reference reads the patterns and knows nothing of heads."""
    kept = {name: pattern for name, pattern in PATTERNS.items() if name != left_out}
    runtimes = {name: {"providers": [{"name": name}]} for name in kept}
    runtimes["every"] = {"providers": [{"name": name} for name in kept]}
    entries = [
        provider(name, pattern, auth_env=[f"{name.upper()}_KEY"]) for name, pattern in kept.items()
    ]
    registry = _unchecked(manifest(entries, runtimes))
    made = driver.load(str(build(registry, tmp_path, "python").python), "heads")
    asked = [(runtime, model) for runtime in runtimes for model in IDS]
    wants = [_answer(registry, *question) for question in asked]
    assert [_made(made, *question) for question in asked] == wants
