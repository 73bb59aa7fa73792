"""A folder -> a target pack: what its description says, read strictly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from codegen.frozen import frozen
from codegen.inputs import InputError
from codegen.nearest import did_you_mean
from codegen.quote import WITH_ESCAPES, Quoting, Style

DESCRIPTION = "target.toml"
GROUP = "providers_codegen.targets"

# What `view` in a description must be: raised when a field of the view goes or changes.
VIEW_VERSION = 1

# A description is a page and a template some pages; what is larger is neither.
_MOST_BYTES = 1 << 20
_MOST_LINES = 1_000


class PackError(InputError):
    """A target pack that cannot be used; the message begins with the file and the line."""


@frozen
class PackFile:
    """A file that a pack makes: its path below the target's folder, and the template."""

    path: str
    template: str


@frozen
class Pack:
    """A target that a folder adds. `name` is that of the target and of its output folder.

    `reserved` are words that are no identifiers; `ignored` are names that tools of the language
    leave behind in its folder; `shown` is the folder as the user knows it.
    """

    name: str
    folder: Path
    shown: str
    quoting: Quoting
    files: tuple[PackFile, ...]
    options: tuple[tuple[str, str], ...] = ()
    reserved: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def is_ignored(self, path: str) -> bool:
        """Tell whether a path below the target's folder is what tools leave behind."""
        return not set(path.split("/")).isdisjoint(self.ignored)


# files of a pack

_PART = re.compile(r"[A-Za-z0-9._@+-]{1,100}")
# Windows opens a device by each of these names, whatever extension follows.
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\..*)?", flags=re.IGNORECASE)


def path_fault(path: str) -> str | None:
    """Return what keeps a path from being one below a folder, on every system; else None.

    >>> path_fault("src/lib.rs"), path_fault("../lib.rs")
    (None, 'it has the part ".."')
    """
    for part in path.split("/"):
        if not part.strip("."):
            return f'it has the part "{part}"'
        if not _PART.fullmatch(part):
            return "its parts are to be letters, digits and ._@+- with single slashes between"
        if part.endswith(".") or _DEVICE.fullmatch(part):
            return f'"{part}" cannot be the name of a file on Windows'
    return None if len(path) <= 200 else "it is longer than 200 characters"


class UnusableFileError(Exception):
    """A file of a pack that cannot be had as text; the message is a clause."""


def text_of(folder: Path, path: str) -> str:
    """Return the text of a file below a pack's folder.

    Raises `UnusableFileError` for whatever would lead out of the folder, links included, and
    for what is no UTF-8 text of a sensible size.
    """
    fault = path_fault(path)
    if fault is not None:
        raise UnusableFileError(f"is no path below the pack: {fault}")
    try:
        return _decoded(_place(folder, path))
    except OSError as error:
        raise UnusableFileError(f"cannot be read: {error.strerror}") from error


def _place(folder: Path, path: str) -> Path:
    """Return the file at a path below a folder, if it is one and no link leads to it."""
    place = folder
    for part in path.split("/"):
        place = place / part
        if place.is_symlink():
            raise UnusableFileError("is a symbolic link, or lies behind one")
    if not place.is_file():
        raise UnusableFileError("is no file" if place.exists() else "is not there")
    return place


def _decoded(place: Path) -> str:
    if place.stat().st_size > _MOST_BYTES:
        raise UnusableFileError(f"has more than {_MOST_BYTES:,} bytes")
    try:
        return place.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnusableFileError(f"is not UTF-8 (byte {error.start + 1})") from error


# lines of a description

_Key = tuple[str, ...]


def _deepest(said: Mapping[str, Any]) -> _Key:
    """Return the path of the one table that a head names, as in `[a.b]`."""
    for key, value in said.items():
        return (key, *(_deepest(value) if isinstance(value, dict) else ()))
    return ()


def _reaches(said: object, place: _Key) -> bool:
    if not place:
        return True
    return isinstance(said, dict) and place[0] in said and _reaches(said[place[0]], place[1:])


def _statements(text: str) -> Iterator[tuple[int, bool, Mapping[str, Any]]]:
    """Yield each statement: its line, whether it is the head of a table, and what it says.

    The parser tells no places. But a statement takes whole lines and can be read by itself, so
    the fewest lines that the parser takes are one.
    """
    start, lines = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        lines.append(line)
        try:
            said = tomllib.loads("\n".join(lines))
        except tomllib.TOMLDecodeError:
            continue
        yield start, lines[0].lstrip().startswith("["), said
        start, lines = number + 1, []


def _line(text: str, place: _Key) -> int:
    """Return the line on which a key is first spoken of, or 1 where it is not."""
    table: _Key = ()
    for line, is_head, said in _statements(text):
        if is_head:
            table, rest, is_below = _deepest(said), place, True
        else:
            rest, is_below = place[len(table) :], place[: len(table)] == table
        if is_below and _reaches(said, rest):
            return line
    return 1


_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@frozen
class _Description:
    """A description as text and as data; it words its own faults."""

    shown: str
    text: str
    data: Mapping[str, Any]

    def fault(self, place: _Key, message: str, hint: str) -> PackError:
        """Return a fault of a key, or of the whole where the place is empty."""
        where = f":{_line(self.text, place)}" if place else ""
        return PackError(f"{self.shown}{where}: {message}", hint)


def _description(folder: Path, shown: str) -> _Description:
    try:
        text = text_of(folder, DESCRIPTION).replace("\r\n", "\n")
    except UnusableFileError as error:
        raise PackError(f"{shown} {error}", "docs/target-packs.md describes it") from error
    if text.count("\n") > _MOST_LINES:
        raise PackError(f"{shown} has more than {_MOST_LINES:,} lines", "write less")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _malformed(shown, text, error) from error
    return _Description(shown=shown, text=text, data=data)


def _malformed(shown: str, text: str, error: Exception) -> PackError:
    match = _AT_LINE.search(str(error))
    line = int(match[1]) if match and match[1] else text.count("\n") + 1
    reason = _AT_LINE.sub("", str(error))
    return PackError(f"{shown}:{line}: this is not TOML: {reason}", "mend the syntax")


# values of a description

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OPTION = re.compile(r"[a-z][a-z0-9_]*")
_LINE_OF_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


@frozen
class Key:
    """A key of a description: whether it must be there, and what it takes."""

    is_required: bool
    is_fit: Callable[[object], bool]
    expected: str


def _is_text(value: object) -> bool:
    return isinstance(value, str) and _LINE_OF_TEXT.fullmatch(value) is not None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 40 and _NAME.fullmatch(value) is not None


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_text, value.values()))


KEYS: dict[str, Key] = {
    "view": Key(
        is_required=True,
        is_fit=lambda v: type(v) is int and v == VIEW_VERSION,
        expected=f"{VIEW_VERSION}, the one version of the view that there is",
    ),
    "name": Key(
        is_required=True,
        is_fit=_is_name,
        expected="a name: lower-case letters and digits, joined by single hyphens",
    ),
    "quoting": Key(
        is_required=True, is_fit=lambda v: isinstance(v, dict), expected="a table with a style"
    ),
    "files": Key(
        is_required=True,
        is_fit=_is_table,
        expected="a table: the path of each file, and its template",
    ),
    "options": Key(
        is_required=False,
        is_fit=_is_table,
        expected="a table: the name of each option, and its default",
    ),
    "reserved": Key(is_required=False, is_fit=_is_list, expected="a list of words"),
    "ignored": Key(is_required=False, is_fit=_is_list, expected="a list of names"),
}
QUOTING_KEYS: dict[str, Key] = {
    "style": Key(
        is_required=True, is_fit=lambda v: v in list(Style), expected="one of " + ", ".join(Style)
    ),
    "mark": Key(is_required=False, is_fit=lambda v: v in ('"', "'"), expected="\" or '"),
    "also": Key(is_required=False, is_fit=_is_text, expected="characters, on one line"),
}


def _odd_entry(value: object) -> _Key:
    """Return the key of the first entry of a table that is no text, if there is one."""
    entries = value.items() if isinstance(value, dict) else ()
    return next(((key,) for key, entry in entries if not _is_text(entry)), ())


def _check(description: _Description, keys: Mapping[str, Key], place: _Key) -> Mapping[str, Any]:
    """Return the table at a place, which holds the keys that it must and no others."""
    table: Mapping[str, Any] = description.data
    for part in place:
        table = table[part]
    noun = " ".join([*place, "of a target"]) if place else "a target"
    for name, value in table.items():
        if name not in keys:
            hint = did_you_mean(name, keys) or f"its keys are {', '.join(keys)}"
            raise description.fault((*place, name), f'{noun} has no key "{name}"', hint)
        if not keys[name].is_fit(value):
            message = f"{name} is not what it must be"
            where = (*place, name, *_odd_entry(value))
            raise description.fault(where, message, f"write {keys[name].expected}")
    for name, key in keys.items():
        if key.is_required and name not in table:
            hint = f"add {name}: {key.expected}"
            raise description.fault(place, f"{noun} lacks {name}", hint)
    return table


def _quoting(description: _Description) -> Quoting:
    table = _check(description, QUOTING_KEYS, ("quoting",))
    style = Style(table["style"])
    if style not in WITH_ESCAPES and "also" in table:
        hint = "remove it, or choose one of " + ", ".join(WITH_ESCAPES)
        message = f'the style "{style}" has no escapes, so nothing else can be escaped'
        raise description.fault(("quoting", "also"), message, hint)
    mark = "'" if style is Style.SHELL else '"'
    if style is Style.SHELL and table.get("mark", mark) != mark:
        message = "a shell takes everything as it is between ' and nothing else"
        raise description.fault(("quoting", "mark"), message, "remove it")
    return Quoting(style=style, mark=table.get("mark", mark), also=table.get("also", ""))


def _clash(path: str, others: Iterable[str]) -> str | None:
    """Return what stands in the way of a path, on a system that ignores case."""
    small = path.lower()
    for other in others:
        known = other.lower()
        if small == known or small.startswith(known + "/") or known.startswith(small + "/"):
            return other
    return None


def _files(description: _Description, folder: Path) -> Iterator[PackFile]:
    known: list[str] = []
    for path, template in description.data["files"].items():
        place = ("files", path)
        fault = path_fault(path)
        if fault is not None:
            message = f'"{path}" is no path below the output folder: {fault}'
            raise description.fault(place, message, "write a path like src/lib.rs")
        clash = _clash(path, known)
        if clash is not None:
            message = f'"{path}" and "{clash}" cannot both be files'
            raise description.fault(place, message, "rename one of them; case does not count")
        try:
            text_of(folder, template)
        except UnusableFileError as error:
            message = f'the template "{template}" {error}'
            raise description.fault(place, message, f"put it into {folder.name}/") from error
        known.append(path)
        yield PackFile(path=path, template=template)


def _named(description: _Description, key: str, pattern: re.Pattern[str]) -> Any:
    """Return a table or list of a description, every name in which fits a pattern."""
    found = description.data.get(key, {})
    for name in found:
        if not pattern.fullmatch(name):
            place = (key, name) if isinstance(found, dict) else (key,)
            message = f'"{name}" cannot stand in {key}'
            raise description.fault(place, message, "write letters and digits")
    return found


def read(folder: Path, taken: Collection[str], shown: str | None = None) -> Pack:
    """Read the description of the pack in a folder.

    `taken` are the names that it cannot have. Raises `PackError` for whatever is wrong with it;
    its templates are read when they are rendered, and only have to be there.
    """
    shown = shown if shown is not None else str(folder)
    description = _description(folder, f"{shown}/{DESCRIPTION}")
    data = _check(description, KEYS, ())
    name = data["name"]
    if name in taken or path_fault(name) is not None:
        message = f'the name "{name}" is taken' if name in taken else f'"{name}" cannot be a folder'
        raise description.fault(("name",), message, "give the target another name")
    return Pack(
        name=name,
        folder=folder,
        shown=shown,
        quoting=_quoting(description),
        files=tuple(_files(description, folder)),
        options=tuple(_named(description, "options", _OPTION).items()),
        reserved=tuple(data.get("reserved", ())),
        ignored=tuple(_named(description, "ignored", _PART)),
    )


# packs of installed distributions


def installed_names() -> tuple[str, ...]:
    """Return the names of the packs that installed distributions offer, sorted."""
    from importlib.metadata import entry_points  # noqa: PLC0415

    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def _package_folder(value: str) -> Path | None:
    """Return the folder of a package without running any of its code."""
    from importlib.util import find_spec  # noqa: PLC0415

    top, *below = value.split(".")
    if not all(part.isidentifier() for part in (top, *below)):
        return None
    found = find_spec(top)
    places = list(found.submodule_search_locations or ()) if found is not None else []
    folders = (Path(place, *below) for place in places)
    return next((folder for folder in folders if folder.is_dir()), None)


def installed(name: str, taken: Collection[str]) -> Pack | None:
    """Return the pack that an installed distribution offers by a name; None where none does.

    The entry point's value names a package, whose folder is the pack. Raises `PackError` where
    two distributions offer the name, or the folder is no pack of that name.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415

    values = sorted({entry.value for entry in entry_points(group=GROUP, name=name)})
    if not values:
        return None
    shown = f"the entry point {name} of {GROUP}"
    if len(values) > 1:
        hint = "uninstall one of them, or give the folder of the one you want"
        raise PackError(f"{shown} is there more than once: {', '.join(values)}", hint)
    folder = _package_folder(values[0])
    if folder is None:
        message = f"{shown} names {values[0]}, which is no package in a folder"
        raise PackError(message, "mend or reinstall the distribution")
    pack = read(folder, taken)
    if pack.name != name:
        hint = "name the entry point as the target is named"
        raise PackError(f'{shown} leads to the target "{pack.name}"', hint)
    return pack


# options


def with_options(packs: Iterable[Pack], given: Iterable[str]) -> tuple[Pack, ...]:
    """Return packs with options set, each given as `TARGET.OPTION=VALUE`.

    Raises `InputError` for a target or an option that is not there.
    """
    by_name = {pack.name: pack for pack in packs}
    for setting in given:
        where, _, value = setting.partition("=")
        target, _, option = where.partition(".")
        if target not in by_name:
            hint = did_you_mean(target, by_name) or "give its pack as target-packs"
            raise InputError(f'target-options: no pack adds a target "{target}"', hint)
        options = dict(by_name[target].options)
        if option not in options:
            known = f"its options are {', '.join(options)}" if options else "it has no options"
            hint = did_you_mean(option, options) or known
            raise InputError(f'target-options: {target} has no option "{option}"', hint)
        changed = tuple((options | {option: value}).items())
        by_name[target] = replace(by_name[target], options=changed)
    return tuple(by_name.values())
