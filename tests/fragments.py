"""The examples on the pages of the rules, completed: keys that do not matter are left out there."""

from __future__ import annotations

import re

_PROVIDER = re.compile(r"^  - name: (\S+)\n((?:    .*\n)*)", flags=re.MULTILINE)
_OVERLAY = "# overlay.yaml\n"
_TEMPLATE = "# template.yaml\n"


def _defaults(name: str) -> dict[str, str]:
    plain = re.sub(r"\W", "_", name)
    return {
        "display_name": plain,
        "vendor_logo": plain,
        "protocol": "openai",
        "auth_mode": "third_party_anthropic_compat",
        "base_url_template": "null",
        "base_url_anthropic": "null",
        "auth_env": f"[{plain.upper()}_KEY]",
        "model_prefix_match": f"'^{plain}-'",
    }


def _completed_provider(match: re.Match[str]) -> str:
    added = (
        f"    {key}: {value}\n"
        for key, value in _defaults(match[1]).items()
        if not re.search(rf"^    {key}:", match[2], flags=re.MULTILINE)
    )
    return match[0] + "".join(added)


def _with_providers(text: str) -> str:
    head, separator, rest = text.partition("\nruntimes:")
    return _PROVIDER.sub(_completed_provider, head + "\n" if separator else head) + (
        separator.lstrip("\n") + rest
    )


def _with_top_level(text: str) -> str:
    needed = {"schema_version": "1", "providers": "[]", "runtimes": "{}"}
    return text + "".join(
        f"{key}: {value}\n"
        for key, value in needed.items()
        if not re.search(rf"^{key}:", text, flags=re.MULTILINE)
    )


def completed(fragment: str) -> tuple[str, ...]:
    """Return the manifest that a fragment stands for, and the overlay where it has one.

    A fragment of nothing but comments stands for itself. Its template, if any, is left out.
    """
    fragment = fragment.partition(_TEMPLATE)[0]
    if not re.search(r"^[^#\n]", fragment, flags=re.MULTILINE):
        return (fragment,)
    parts = fragment.split(_OVERLAY)
    return tuple(_with_top_level(_with_providers(part)) for part in parts)


def template_of(fragment: str) -> str | None:
    """Return the template that a fragment ends in, of its first runtime; most have none."""
    _, separator, template = fragment.partition(_TEMPLATE)
    return template if separator else None
