"""Names of the manifest as identifiers of each language."""

from __future__ import annotations

import re

_INITIALISMS = {
    word.lower(): word for word in ("ADK", "AI", "API", "BYOK", "CN", "OAuth", "OpenAI")
}


def words(name: str) -> list[str]:
    """Split a name at everything that is not a letter or digit.

    >>> words("ollama-cloud")
    ['ollama', 'cloud']
    """
    return re.findall(r"[A-Za-z0-9]+", name)


def camel(name: str) -> str:
    """Return the upper camel case of a name, as Go's constants have it.

    >>> camel("anthropic-api")
    'AnthropicAPI'
    """
    return "".join(
        _INITIALISMS.get(word.lower(), word[:1].upper() + word[1:]) for word in words(name)
    )


def constant(name: str) -> str:
    """Return the upper snake case of a name.

    >>> constant("anthropic-api")
    'ANTHROPIC_API'
    """
    return "_".join(words(name)).upper()


def snake(name: str) -> str:
    """Return the lower snake case of a name.

    >>> snake("Anthropic-API")
    'anthropic_api'
    """
    return "_".join(words(name)).lower()


def pascal(name: str) -> str:
    """Return the upper camel case of a name, an acronym being a word like any other.

    >>> pascal("anthropic-api")
    'AnthropicApi'
    """
    return "".join(word[:1].upper() + word[1:].lower() for word in words(name))


def lower_camel(name: str) -> str:
    """Return the same with its first word in lower case.

    >>> lower_camel("anthropic-api")
    'anthropicApi'
    """
    first, *_ = [*words(name), ""]
    return first.lower() + pascal(name)[len(first) :]


def confusable_key(name: str) -> str:
    """Return what two names share when they differ in nothing but case and punctuation.

    Two names with different keys have different identifiers in every language.

    >>> confusable_key("Open-AI") == confusable_key("openai")
    True
    """
    return "".join(words(name)).lower()
