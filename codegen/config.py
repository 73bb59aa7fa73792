"""Settings from `[tool.providers-codegen]` of the nearest pyproject.toml, and from flags."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codegen.diagnostics import Severity
from codegen.nearest import did_you_mean
from codegen.options import Options
from codegen.targets import TARGETS

_SECTION = "providers-codegen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting: its key in the file, what it must look like, and what that is called.

    With `is_list` the file has a list of such values.
    """

    key: str
    pattern: str
    expected: str
    is_list: bool = False


_ANY = r"[^\x00-\x1f\x7f]+"

SETTINGS: tuple[Setting, ...] = (
    Setting(key="manifest", pattern=_ANY, expected="a path"),
    Setting(key="out", pattern=_ANY, expected="a path"),
    Setting(
        key="go-module",
        pattern=r"[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9._~-]+)*",
        expected="a Go module path",
    ),
    Setting(
        key="npm-name",
        pattern=r"(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*",
        expected="the name of an npm package",
    ),
    Setting(key="python-package", pattern=r"[a-z_][a-z0-9_]*", expected="a Python package name"),
    Setting(key="overlays", pattern=_ANY, expected="a list of paths", is_list=True),
    Setting(key="rule-pages", pattern=_ANY, expected="a path"),
    Setting(key="command-page", pattern=_ANY, expected="a path"),
    Setting(key="command", pattern=_ANY, expected="a command on one line"),
    Setting(
        key="fail-on",
        pattern="|".join(severity.value for severity in Severity),
        expected="error, warning or note",
    ),
)

_BY_KEY = {setting.key: setting for setting in SETTINGS}
# The settings that are paths, and what they are where nobody sets them.
_PLACES: dict[str, tuple[str, ...]] = {
    "manifest": ("providers.yaml",),
    "out": ("generated",),
    "overlays": (),
    "rule-pages": (),
    "command-page": (),
}


class ConfigError(Exception):
    """A setting that cannot be used. `message` says which and where, `hint` what to write."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.message = message
        self.hint = hint


def _section(path: Path) -> Mapping[str, object] | None:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{path} cannot be read: {reason}", "mend or remove the file") from error
    tool = data.get("tool", {})
    section = tool.get(_SECTION) if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise ConfigError(f"tool.{_SECTION} in {path} is not a table", "write key = value")
    return section


_Values = dict[str, tuple[str, ...]]


def _checked(key: str, value: object, where: str) -> tuple[str, ...]:
    """Return the values of a setting: one, or as many as a list has."""
    setting = _BY_KEY[key]
    values = value if setting.is_list else [value]
    texts = [text for text in values if isinstance(text, str)] if isinstance(values, list) else []
    is_whole = isinstance(values, list) and len(texts) == len(values)
    if not is_whole or not all(re.fullmatch(setting.pattern, text) for text in texts):
        raise ConfigError(f"{key} {where} is not {setting.expected}", "write another value")
    return tuple(texts)


def _file_settings(path: Path, section: Mapping[str, object]) -> _Values:
    settings = {}
    for key, value in section.items():
        if key not in _BY_KEY:
            hint = did_you_mean(key, list(_BY_KEY)) or "remove it"
            raise ConfigError(f"tool.{_SECTION} in {path} has no setting {key!r}", hint)
        settings[key] = _checked(key, value, f"in {path}")
    return settings


def settings_files(start: Path) -> tuple[Path, ...]:
    """Return the files that may have the settings, the nearest first; most do not exist."""
    return tuple(folder / "pyproject.toml" for folder in (start, *start.parents))


def _nearest_file(start: Path) -> tuple[Path, _Values] | None:
    for path in settings_files(start):
        section = _section(path) if path.is_file() else None
        if section is not None:
            return path.parent, _file_settings(path, section)
    return None


def _shortest(path: Path, start: Path) -> Path:
    """Prefer the path as the user would type it from where the command runs."""
    return path.relative_to(start) if path.is_relative_to(start) else path


def resolve(
    flags: Mapping[str, str | None],
    targets: tuple[str, ...],
    start: Path,
    overlays: tuple[str, ...] = (),
) -> Options:
    """Return the options of a build: flags first, then the file, then the defaults.

    Paths in the file are relative to its folder, paths in flags to `start`; `overlays` given
    as flags replace those of the file. Raises `ConfigError` for a file that cannot be read and
    for values that cannot be used.
    """
    found = _nearest_file(start)
    folder, in_file = found if found is not None else (start, {})
    given = {k: _checked(k, v, "on the command line") for k, v in flags.items() if v is not None}
    if overlays:
        given["overlays"] = _checked("overlays", list(overlays), "on the command line")
    places = {
        key: tuple(
            _shortest((start if key in given else folder) / value, start)
            for value in given.get(key, in_file.get(key, default))
        )
        for key, default in _PLACES.items()
    }
    names = {
        key.replace("-", "_"): values[0]
        for key, values in {**in_file, **given}.items()
        if key not in _PLACES
    }
    return Options(
        manifest=places["manifest"][0],
        out=places["out"][0],
        overlays=places["overlays"],
        rule_pages=next(iter(places["rule-pages"]), None),
        command_page=next(iter(places["command-page"]), None),
        targets=tuple(name for name in TARGETS if not targets or name in targets),
        **names,
    )
