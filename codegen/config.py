"""Settings from `[tool.providers-codegen]` of the nearest pyproject.toml, and from flags."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codegen.diagnostics import Severity
from codegen.frozen import frozen
from codegen.inputs import InputError
from codegen.nearest import did_you_mean
from codegen.options import Options
from codegen.targets import TARGETS, names

if TYPE_CHECKING:
    from codegen.packs import Pack

_SECTION = "providers-codegen"


@frozen
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
    Setting(
        key="target-packs",
        pattern=_ANY,
        expected="a list of folders, or of entry-point:NAME",
        is_list=True,
    ),
    Setting(
        key="target-options",
        pattern=rf"[a-z0-9-]+\.[a-z0-9_]+={_ANY}",
        expected="a list of TARGET.OPTION=VALUE",
        is_list=True,
    ),
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


class ConfigError(InputError):
    """A setting that cannot be used."""


class NoSuchTargetError(InputError):
    """The command line asks for a target that is not at hand."""


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


# Of target packs, and not of paths: an installed distribution offers it by this name.
_ENTRY_POINT = "entry-point:"


@frozen
class _Settings:
    """The settings of the file and of the flags, and the folder that each is relative to."""

    start: Path
    folder: Path
    in_file: _Values
    given: _Values

    def values(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        return self.given.get(key, self.in_file.get(key, default))

    def place(self, key: str, value: str) -> Path:
        """Return the path that a value stands for."""
        base = self.start if key in self.given else self.folder
        return _shortest(base / value, self.start)


def _settings(flags: Mapping[str, str | tuple[str, ...] | None], start: Path) -> _Settings:
    found = _nearest_file(start)
    folder, in_file = found if found is not None else (start, {})
    flagged = {key: value for key, value in flags.items() if value is not None and value != ()}
    asked = {key: list(v) if isinstance(v, tuple) else v for key, v in flagged.items()}
    given = {key: _checked(key, value, "on the command line") for key, value in asked.items()}
    return _Settings(start=start, folder=folder, in_file=in_file, given=given)


def _options(settings: _Settings) -> Options:
    """Return the options without the targets, which are to be found first."""
    places = {
        key: tuple(settings.place(key, value) for value in settings.values(key, default))
        for key, default in _PLACES.items()
    }
    lists = {setting.key for setting in SETTINGS if setting.is_list}
    texts = {
        key.replace("-", "_"): values[0]
        for key, values in {**settings.in_file, **settings.given}.items()
        if key not in _PLACES and key not in lists
    }
    return Options(
        manifest=places["manifest"][0],
        out=places["out"][0],
        overlays=places["overlays"],
        rule_pages=next(iter(places["rule-pages"]), None),
        command_page=next(iter(places["command-page"]), None),
        targets=tuple(TARGETS),
        packs=(),
        **texts,
    )


def _packs(settings: _Settings, asked: Iterable[str]) -> tuple[Pack, ...]:
    """Return the packs that are set, and those asked for that are installed.

    Without either nothing is imported, and nobody waits for a look at what is installed.
    """
    named = settings.values("target-packs")
    unknown = [name for name in dict.fromkeys(asked) if name not in TARGETS]
    if not named and not unknown and not settings.values("target-options"):
        return ()
    from codegen import packs  # noqa: PLC0415

    found: list[Pack] = []
    for value in named:
        taken = (*TARGETS, *(pack.name for pack in found))
        if value.startswith(_ENTRY_POINT):
            found.append(_installed(value.removeprefix(_ENTRY_POINT), taken))
        else:
            place = settings.place("target-packs", value)
            found.append(packs.read(place, taken))
    for name in unknown:
        if name not in {pack.name for pack in found}:
            pack = packs.installed(name, tuple(TARGETS))
            found += [pack] if pack is not None else []
    return packs.with_options(found, settings.values("target-options"))


def _installed(name: str, taken: tuple[str, ...]) -> Pack:
    from codegen import packs  # noqa: PLC0415

    pack = packs.installed(name, taken)
    if pack is None:
        known = packs.installed_names()
        hint = did_you_mean(name, known) or "install the distribution that offers it"
        raise ConfigError(f'no installed distribution offers a target "{name}"', hint)
    return pack


def _chosen(options: Options, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the targets that are asked for, or all of them."""
    known = names(options)
    for name in asked:
        if name not in known:
            from codegen.packs import installed_names  # noqa: PLC0415

            hint = did_you_mean(name, (*known, *installed_names()))
            shown = ", ".join(map(repr, known))
            message = f"--target: {name!r} is not one of {shown}"
            raise NoSuchTargetError(message, hint or "give the folder of its pack to --target-pack")
    return tuple(name for name in known if not asked or name in asked)


def resolve(
    flags: Mapping[str, str | tuple[str, ...] | None],
    start: Path,
    targets: tuple[str, ...] | None = None,
) -> Options:
    """Return the options of a build: flags first, then the file, then the defaults.

    Paths in the file are relative to its folder, paths in flags to `start`; a list given as
    flags replaces that of the file. `targets` are those asked for, of which none means all; it
    is None where nothing will be generated, and then no target pack is read. Raises
    `ConfigError` for a file that cannot be read and for values that cannot be used,
    `NoSuchTargetError`, and `PackError`.
    """
    settings = _settings(flags, start)
    options = _options(settings)
    if targets is None:
        return options
    options = replace(options, packs=_packs(settings, targets))
    return replace(options, targets=_chosen(options, targets))
