"""Wrong settings as sentences: which variable, what is wrong with it, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_settings import SettingsError

PREFIX = "GATEWAY_"
_REMEDIES = {
    "admin_key": "Make one with `openssl rand -hex 32`.",
    "secret_keys": "Make one with `openssl rand -base64 32`, and keep it as long as the database.",
    "credentials": 'It is a JSON object: {"NAME_OF_A_KEY": "the key"}.',
    "base_urls": 'It is a JSON object: {"a-provider": {"openai": "https://host/v1"}}.',
    "database_url": "Write sqlite:///gateway.db or postgresql://user:password@host/database.",
}
_ELSEWHERE = "README.md has a table of all settings."


def complaints(error: ValidationError | SettingsError) -> Iterator[str]:
    """Yield a line for each wrong setting; no line shows a value, which may be a secret."""
    if isinstance(error, SettingsError):
        # Its message names the field, and the cause of it may hold the value.
        named = next((name for name in _REMEDIES if f'"{name}"' in str(error)), None)
        yield _line(named or "settings", "this is not valid JSON")
        return
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        field, *inside = (str(part) for part in problem["loc"]) if problem["loc"] else ("settings",)
        place = f"at {'.'.join(inside)}: " if inside else ""
        message = "it is missing" if problem["type"] == "missing" else problem["msg"]
        yield _line(field, place + message.removeprefix("Value error, "))


def of_database(reason: str) -> str:
    """Return the line for a database URL that cannot be used."""
    return _line("database_url", reason)


def _line(field: str, what: str) -> str:
    remedy = _REMEDIES.get(field, _ELSEWHERE)
    return f"{PREFIX}{field.upper()}: {what}. {remedy}"
