"""The lock as text <-> what is vendored: paths, their origins, and the facts of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from codegen import origins, syntax
from codegen.diagnostics import Diagnostic
from codegen.frozen import frozen
from codegen.nearest import did_you_mean
from codegen.origins import Folder, Git, Origin, OriginError, Url
from codegen.quote import yaml_string
from codegen.source import Source, Span

_Value = TypeVar("_Value")

LOCK_VERSION = 1
# A lock of a thousand files has a tenth of this.
MAX_CHARACTERS = 1_000_000


@frozen
class Facts:
    """What is known of a copy: the SHA-256 of its bytes with LF line ends, and what it carries.

    `fingerprint` and `schema_version` are those of the registry, or None where the file carries
    none. `commit` is the full id of the commit that it was read at, of an origin in git.
    """

    sha256: str
    fingerprint: str | None
    schema_version: int | None
    commit: str | None = None


@frozen
class Entry:
    """One vendored file. `path` is relative to the folder of the lock, with slashes."""

    path: str
    origin: Origin
    facts: Facts


@frozen
class Fault:
    """What is wrong with a lock, and where: `message` is a clause, `hint` says what to do."""

    message: str
    hint: str
    line: int
    column: int


class LockError(Exception):
    """A text that is no lock: everything that is wrong with it, in order of place."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults for the report."""
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line, fault.column)))
        super().__init__("; ".join(fault.message for fault in self.faults))


# writing

_HEAD = f"""\
# What is vendored here, and where it comes from. `providers-codegen sync` writes this file;
# commit it, and the files that it names. `sync --check` tells whether they still agree.
lock_version: {LOCK_VERSION}
files:
"""


def _nullable(text: str | None) -> str:
    return "null" if text is None else yaml_string(text)


def _entry_lines(entry: Entry) -> Iterator[str]:
    facts = entry.facts
    yield f"  - path: {yaml_string(entry.path)}"
    yield "    source:"
    for key, value in origins.plain(entry.origin).items():
        yield f"      {key}: {_nullable(value)}"
    if isinstance(entry.origin, Git):
        yield f"      commit: {_nullable(facts.commit)}"
    yield f"    sha256: {yaml_string(facts.sha256)}"
    yield f"    fingerprint: {_nullable(facts.fingerprint)}"
    version = "null" if facts.schema_version is None else str(facts.schema_version)
    yield f"    schema_version: {version}"


def dumps(entries: Iterable[Entry]) -> str:
    """Return the text of a lock: sorted by path, one fact a line, every text in quotes."""
    ordered = sorted(entries, key=lambda entry: entry.path)
    lines = (line for entry in ordered for line in _entry_lines(entry))
    return _HEAD + "".join(f"{line}\n" for line in lines)


# reading


def clashes(paths: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield which paths, by their number, cannot stand beside an earlier one, and why.

    Case does not tell two paths apart, as it does not on every system, and a file is no folder.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for number, path in enumerate(paths):
        folded = path.casefold()
        above = [folded[:at] for at, letter in enumerate(folded) if letter == "/"]
        others = (files.get(folded), folders.get(folded), *map(files.get, above))
        other = next((other for other in others if other is not None), None)
        if other == path:
            yield number, f"{path!r} is here twice"
        elif other is not None:
            yield number, f"{path!r} cannot stand beside {other!r}"
        else:
            files[folded] = path
            folders |= dict.fromkeys(above, path)


_LOCK = ("lock_version", "files")
_ENTRY = ("path", "source", "sha256", "fingerprint", "schema_version")
# The first key of a source tells its kind.
_SOURCES = {
    "folder": ("folder", "file"),
    "git": ("git", "revision", "file", "commit"),
    "url": ("url", "token_env"),
}
_RESTORE = "restore the lock from version control, or vendor the files anew"
# What the composer says of manifests, said of locks.
_OF_SYNTAX = {
    "Y003": "a tag has no place in a lock",
    "Y006": "a second document begins here, and a lock is one",
    "Y010": "the lock is empty",
}
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: .*)?$", flags=re.MULTILINE)


_NUMBER = re.compile("0|[1-9][0-9]{0,8}")


class _Reader:
    """Reads a composed lock; whatever is not as `dumps` writes it is collected."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[Fault] = []

    def add(self, span: Span, message: str, hint: str) -> None:
        """Remember a fault and its place."""
        place = self.source.position(span.start)
        fault = Fault(message=message, hint=hint, line=place.line, column=place.column)
        self.faults.append(fault)

    def lock(self, root: syntax.Node) -> tuple[Entry, ...]:
        record = self._record(root, "a lock", _LOCK)
        version = self._number(record.get("lock_version"), "lock_version")
        if version is not None and version != LOCK_VERSION:
            # Another version may mean anything by the rest.
            message = f"this is a lock of version {version}, and this tool reads {LOCK_VERSION}"
            self.add(record["lock_version"].span, message, "use the version that wrote the lock")
            return ()
        files = record.get("files")
        if files is None:
            return ()
        if not isinstance(files, syntax.Sequence) or not files.items:
            hint = "vendor a file with sync --from, or delete the lock if nothing is vendored"
            self.add(files.span, "files is no list that names a file", hint)
            return ()
        pairs = [(node, self._entry(node)) for node in files.items]
        self._check_paths(pairs)
        return tuple(entry for _, entry in pairs if entry is not None)

    def _check_paths(self, pairs: Iterable[tuple[syntax.Node, Entry | None]]) -> None:
        paths = [(node.span, entry.path) for node, entry in pairs if entry is not None]
        for place, fault in clashes(path for _, path in paths):
            self.add(paths[place][0], fault, "give each file a path of its own")

    def _entry(self, node: syntax.Node) -> Entry | None:
        before = len(self.faults)
        record = self._record(node, "a file", _ENTRY)
        path = self._text(record.get("path"), "path")
        origin, commit = self._source(record.get("source"))
        sha256 = self._hex(record.get("sha256"), "sha256", 64)
        fingerprint = self._hex(record.get("fingerprint"), "fingerprint", 64, is_nullable=True)
        version = self._number(record.get("schema_version"), "schema_version", is_nullable=True)
        if path is not None:
            self._try(record["path"].span, origins.check_path, path)
        if len(self.faults) > before or path is None or origin is None or sha256 is None:
            return None
        facts = Facts(sha256=sha256, fingerprint=fingerprint, schema_version=version, commit=commit)
        return Entry(path=path, origin=origin, facts=facts)

    def _source(self, node: syntax.Node | None) -> tuple[Origin | None, str | None]:
        if node is None:
            return None, None
        entries = node.entries if isinstance(node, syntax.Mapping) else ()
        kinds = [key.text for key, _ in entries if key.text in _SOURCES]
        if len(kinds) != 1:
            known = ", ".join(_SOURCES)
            self.add(node.span, f"a source has one of the keys {known}", _RESTORE)
            return None, None
        record = self._record(node, f"a source with {kinds[0]}", _SOURCES[kinds[0]])
        if any(name not in record for name in _SOURCES[kinds[0]]):
            return None, None
        commit = self._hex(record.get("commit"), "commit", 40, 64) if "commit" in record else None
        origin = self._origin(kinds[0], record)
        if origin is not None:
            self._try(node.span, origins.check, origin)
        return origin, commit

    def _origin(self, kind: str, record: Mapping[str, syntax.Node]) -> Origin | None:
        """Return the origin of a record that has all keys; None where a value is no text."""
        token_env = self._text(record.get("token_env"), "token_env", is_nullable=True)
        names = [name for name in _SOURCES[kind] if name not in ("commit", "token_env")]
        texts = {name: self._text(record[name], name) for name in names}
        found = {name: text for name, text in texts.items() if text is not None}
        if len(found) < len(names):
            return None
        if kind == "url":
            return Url(url=found["url"], token_env=token_env)
        if kind == "git":
            return Git(repository=found["git"], revision=found["revision"], file=found["file"])
        return Folder(folder=found["folder"], file=found["file"])

    def _try(self, span: Span, check: Callable[[_Value], None], value: _Value) -> None:
        try:
            check(value)
        except OriginError as error:
            self.add(span, error.message, error.hint)

    # values, None where they are not as they should be

    def _record(
        self, node: syntax.Node, owner: str, keys: tuple[str, ...]
    ) -> dict[str, syntax.Node]:
        if not isinstance(node, syntax.Mapping):
            self.add(node.span, f"{owner} is a mapping", _RESTORE)
            return {}
        record = {key.text: value for key, value in node.entries}
        for key, _ in node.entries:
            if key.text not in keys:
                left = [name for name in keys if name not in record]
                hint = did_you_mean(key.text, left) or "remove it"
                self.add(key.span, f'{owner} has no key "{key.text}"', hint)
        missing = [name for name in keys if name not in record]
        if missing:
            self.add(node.span, f"{owner} lacks {', '.join(missing)}", _RESTORE)
        return record

    def _text(self, node: syntax.Node | None, key: str, *, is_nullable: bool = False) -> str | None:
        if node is None or (is_nullable and _is_null(node)):
            return None
        if isinstance(node, syntax.Scalar) and node.kind == "str":
            return node.text
        self.add(node.span, f"{key} is no text", "write it in quotes")
        return None

    def _hex(
        self, node: syntax.Node | None, key: str, *sizes: int, is_nullable: bool = False
    ) -> str | None:
        text = self._text(node, key, is_nullable=is_nullable)
        if node is None or text is None:
            return None
        if len(text) not in sizes or not re.fullmatch("[0-9a-f]+", text):
            digits = " or ".join(str(size) for size in sizes)
            self.add(node.span, f"{key} is not {digits} hex digits", _RESTORE)
            return None
        return text

    def _number(
        self, node: syntax.Node | None, key: str, *, is_nullable: bool = False
    ) -> int | None:
        if node is None or (is_nullable and _is_null(node)):
            return None
        if isinstance(node, syntax.Scalar) and node.kind == "int" and _NUMBER.fullmatch(node.text):
            return int(node.text)
        self.add(node.span, f"{key} is no number", _RESTORE)
        return None


def _is_null(node: syntax.Node) -> bool:
    return isinstance(node, syntax.Scalar) and node.kind == "null"


def _of_syntax(source: Source, found: Diagnostic) -> Fault:
    place = source.position(found.span.start)
    message = _OF_SYNTAX.get(found.code, f"it is not YAML as sync writes it: {found.message}")
    return Fault(message=message, hint=_RESTORE, line=place.line, column=place.column)


def _check_whole(source: Source) -> None:
    """Refuse what need not be composed to be seen as no lock."""
    message, at = "", 0
    conflict = _CONFLICT.search(source.text)
    if conflict is not None:
        message, at = "two versions of the lock were not merged", conflict.start()
    elif len(source.text) > MAX_CHARACTERS:
        message = f"it has more than {MAX_CHARACTERS:,} characters"
    if message:
        place = source.position(source.base + at)
        hint = "keep the lines of one side, and run sync" if conflict else _RESTORE
        raise LockError([Fault(message=message, hint=hint, line=place.line, column=place.column)])


def read(source: Source) -> tuple[Entry, ...]:
    """Return the entries of a lock, in its order.

    Reading is strict: every key is there, none is unknown or there twice, every value is of its
    type and form, and every path stays below the folder. Raises `LockError` with all that is wrong.
    """
    _check_whole(source)
    root, found = syntax.compose(source)
    if root is None or found:
        raise LockError(_of_syntax(source, diagnostic) for diagnostic in found)
    reader = _Reader(source)
    entries = reader.lock(root)
    if reader.faults:
        raise LockError(reader.faults)
    return entries
