"""The command line as plain values: what the page about it prints."""

from __future__ import annotations

from codegen.frozen import frozen


@frozen
class Parameter:
    """An option or an argument.

    `usage` is how it is typed, such as `--manifest FILE`, and `short` how the synopsis of the
    command shows it; `meaning` is a sentence or two, and `default` is empty where there is none.
    """

    usage: str
    short: str
    meaning: str
    default: str = ""


@frozen
class Entry:
    """A word and what it means: an exit code, a variable, a file."""

    word: str
    meaning: str


@frozen
class Command:
    """A command: its paragraphs in order, and whole command lines as examples.

    `see_also` are pages, as paths relative to the page of the manual.
    """

    name: str
    summary: str
    paragraphs: tuple[str, ...]
    arguments: tuple[Parameter, ...]
    options: tuple[Parameter, ...]
    examples: tuple[str, ...]
    see_also: tuple[str, ...]


@frozen
class Manual:
    """The whole command line; the options are those of the program itself."""

    program: str
    summary: str
    options: tuple[Parameter, ...]
    commands: tuple[Command, ...]
    exit_codes: tuple[Entry, ...]
    environment: tuple[Entry, ...]
    files: tuple[Entry, ...]
