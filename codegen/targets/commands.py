"""The command line -> the page of the manual."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from codegen.frozen import frozen
from codegen.manual import Command, Entry, Manual, Parameter
from codegen.options import Options
from codegen.targets.page import Header, Page, header_of

SOURCE = "the help of its commands"
_WIDTH = 96


@frozen
class Row:
    """A line of a list: how something is typed, as code, and what it means."""

    code: str
    text: str


@frozen
class Link:
    """A page to read on."""

    title: str
    path: str


@frozen
class CommandView:
    """What the page prints of a command; the synopsis ends in a line break."""

    name: str
    anchor: str
    summary: str
    synopsis: str
    paragraphs: tuple[str, ...]
    arguments: tuple[Row, ...]
    options: tuple[Row, ...]
    examples: tuple[str, ...]
    see_also: tuple[Link, ...]


@frozen
class ManualView:
    """What the page prints."""

    header: Header
    program: str
    summary: str
    options: tuple[Row, ...]
    commands: tuple[CommandView, ...]
    exit_codes: tuple[Row, ...]
    environment: tuple[Row, ...]
    files: tuple[Row, ...]
    see_also: tuple[Link, ...]


_MARKS = re.compile(r"[\\*_<>|\[\]]")
_OPTION = re.compile(r"(?<![\w`-])(--[a-z][a-z-]*)")


def _prose(text: str) -> str:
    """Return plain text as Markdown, with options and nothing else set as code.

    >>> _prose("as --format json does: a*b `c_d`")
    'as `--format` json does: a\\\\*b `c_d`'
    """
    parts = re.split(r"(`[^`]+`)", text)
    marked = [part if part.startswith("`") else _MARKS.sub(r"\\\g<0>", part) for part in parts]
    return _OPTION.sub(r"`\1`", "".join(marked))


def _wrapped(words: Iterator[str], indent: str) -> Iterator[str]:
    """Yield lines of words; all but the first are indented."""
    line = next(words)
    for word in words:
        if len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = indent + word
        else:
            line += f" {word}"
    yield line


def _synopsis(program: str, command: Command) -> str:
    parameters = (*command.options, *command.arguments)
    shown = (parameter.short for parameter in parameters if "--help" not in parameter.short)
    head = f"{program} {command.name}"
    return "\n".join(_wrapped(iter((head, *shown)), " " * (len(head) + 1))) + "\n"


def _row(parameter: Parameter) -> Row:
    # A value is typed as it stands; what has spaces describes one.
    value = parameter.default if " " in parameter.default else f"`{parameter.default}`"
    default = f" Default: {value}." if parameter.default else ""
    return Row(code=parameter.usage, text=_prose(parameter.meaning) + default)


def _entry(entry: Entry) -> Row:
    return Row(code=entry.word, text=_prose(entry.meaning))


def _link(path: str) -> Link:
    pure = PurePosixPath(path)
    title = pure.parent.name if pure.stem == "README" and pure.parent.name else pure.stem
    return Link(title="the README" if title == ".." else title, path=path)


def _command(program: str, command: Command) -> CommandView:
    return CommandView(
        name=command.name,
        anchor=command.name,
        summary=_prose(command.summary),
        synopsis=_synopsis(program, command),
        paragraphs=tuple(map(_prose, command.paragraphs)),
        arguments=tuple(map(_row, command.arguments)),
        options=tuple(map(_row, command.options)),
        examples=command.examples,
        see_also=tuple(map(_link, command.see_also)),
    )


def page(manual: Manual, name: str, options: Options) -> Page:
    """Return the page of the manual, as a file of that name."""
    pages = dict.fromkeys(path for command in manual.commands for path in command.see_also)
    view = ManualView(
        header=header_of(SOURCE, options.command),
        program=manual.program,
        summary=_prose(manual.summary),
        options=tuple(map(_row, manual.options)),
        commands=tuple(_command(manual.program, command) for command in manual.commands),
        exit_codes=tuple(map(_entry, manual.exit_codes)),
        environment=tuple(map(_entry, manual.environment)),
        files=tuple(map(_entry, manual.files)),
        see_also=tuple(_link(path) for path in sorted(pages)),
    )
    return Page(template="_cli.md.j2", path=name, view=view)
