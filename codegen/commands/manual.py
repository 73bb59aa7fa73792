"""The manual, gathered from the help of the commands and from the tables below."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

import click

from codegen import completion
from codegen.console import FINE, INTERRUPTED, INVALID, NO, PIPE_CLOSED, USAGE
from codegen.manual import Command, Entry, Manual, Parameter

# What help does not say. A test holds the first two to the commands, and the variables to the code.
ARGUMENTS = {
    "RUNTIME": "The name of a runtime, exactly as the manifest has it.",
    "MODEL": "The id of a model.",
    "FILE": "A template of the runtime, in YAML.",
    "FILE[=DEST]": "A file of the source, and its path here where that is another.",
    "OLD": "A file or a revision, or both sides as OLD..NEW. Default: HEAD.",
    "NEW": "A file or a revision. Default: the manifest as it is.",
    "CODE": "The code of a rule, such as A003, or its name.",
    "SHELL": "The shell: bash, zsh or fish.",
}
SEE_ALSO = {
    "check": ("diagnostics.md", "formats.md", "rules/README.md"),
    "generate": ("../README.md", "target-packs.md"),
    "verify": ("../README.md", "formats.md", "ci.md"),
    "watch": ("watch.md",),
    "diff": ("diff.md", "formats.md", "ci.md"),
    "fmt": ("manifest.md",),
    "check-template": ("runtime-templates.md",),
    "explain": ("explain.md", "decisions.md"),
    "matrix": ("matrix.md", "formats.md"),
    "rules": ("rules/README.md",),
    "explain-rule": ("rules/README.md",),
    "schema": ("manifest.md",),
    "sync": ("sync.md",),
    "completion": ("ci.md",),
}
EXIT_CODES = {
    FINE: "Fine.",
    NO: "A no: drift, findings that --fail-on names, or a request that is refused.",
    INVALID: "The manifest, the settings or another input cannot be read, or has errors.",
    USAGE: "The command was used wrongly, the system refused, or there was an internal error.",
    INTERRUPTED: "Interrupted by Ctrl-C; no file is half written.",
    PIPE_CLOSED: "The reader of the output closed it, as `head` does.",
}
ENVIRONMENT = {
    "NO_COLOR": "Not empty: findings are not coloured on a terminal either.",
    "TERM": "`dumb`: the same, and no progress is shown either.",
    "CI": "Not empty: a long run does not show its progress on a terminal.",
    "SSL_CERT_FILE": "The authorities that `sync` trusts for certificates, if not the system's.",
    "HTTPS_PROXY": "The proxy through which `sync` reaches servers, but for those of `NO_PROXY`.",
    "PROVIDERS_CODEGEN_DEBUG": "Not empty: an internal error shows its traceback.",
    completion.VARIABLE: "Set by the scripts of `completion`: the program answers them alone.",
}
FILES = {
    "providers.yaml": "The manifest, where no flag and no setting names another.",
    "pyproject.toml": "The nearest one with a table `[tool.providers-codegen]` has the settings.",
    "providers.lock": "What `sync` vendored, and from where, where no flag names another.",
    "generated/": "The output folder, where no flag and no setting names another.",
    ".NAME.providers-codegen-*": "What is being written, beside its place; gone when it is there.",
}

_EXAMPLE = re.compile(r"^\x08?\n?Examples?:\n(.*)", flags=re.MULTILINE | re.DOTALL)
_DEFAULT = re.compile(r"\s*\[default: (.+)\]$")


def _metavar(parameter: click.Parameter, context: click.Context) -> str:
    if isinstance(parameter.type, click.Choice):
        return "|".join(str(choice) for choice in parameter.type.choices)
    return parameter.make_metavar(context)


def _option(option: click.Option, context: click.Context) -> Parameter:
    names = ", ".join(option.opts)
    usage = names if option.is_flag else f"{names} {_metavar(option, context)}"
    text = " ".join((option.help or "").split())
    shown = _DEFAULT.search(text)
    default = shown[1] if shown else str(option.default) if option.show_default else ""
    short = f"{option.opts[-1]}{usage.removeprefix(names)}"
    return Parameter(
        usage=usage,
        short=f"[{short}]{'…' if option.multiple else ''}",
        meaning=_DEFAULT.sub("", text),
        default=default,
    )


def _argument(argument: click.Argument, context: click.Context) -> Parameter:
    name = (argument.metavar or argument.human_readable_name.upper()).removesuffix("...")
    name = name.removeprefix("[").removesuffix("]") if name.startswith("[") else name
    many = "…" if argument.nargs == -1 else ""
    short = f"{name}{many}" if argument.required else f"[{name}{many}]"
    meaning = getattr(argument, "help", None) or ARGUMENTS.get(name, "")  # has help since 8.4
    return Parameter(usage=name, short=short, meaning=meaning)


def _options(command: click.Command, context: click.Context) -> tuple[Parameter, ...]:
    found = (p for p in command.get_params(context) if isinstance(p, click.Option))
    return tuple(_option(option, context) for option in found)


def _parts(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paragraphs of a help text, and the lines of its examples."""
    shown = _EXAMPLE.search(text)
    lines = inspect.cleandoc(shown[1]).splitlines() if shown else []
    prose = text[: shown.start()] if shown else text
    paragraphs = (" ".join(part.split()) for part in prose.replace("\x08", "").split("\n\n"))
    return tuple(filter(None, paragraphs)), tuple(filter(None, lines))


def command_page(name: str, command: click.Command) -> Command:
    """Return what there is to say about a command."""
    context = click.Context(command, info_name=name, help_option_names=["-h", "--help"])
    paragraphs, examples = _parts(inspect.cleandoc(command.help or ""))
    arguments = (p for p in command.params if isinstance(p, click.Argument))
    return Command(
        name=name,
        summary=next(iter(paragraphs), ""),
        paragraphs=paragraphs[1:],
        arguments=tuple(_argument(argument, context) for argument in arguments),
        options=_options(command, context),
        examples=examples,
        see_also=SEE_ALSO.get(name, ()),
    )


def _entries(table: Iterable[tuple[object, str]]) -> tuple[Entry, ...]:
    return tuple(Entry(word=str(word), meaning=meaning) for word, meaning in table)


def manual(program: click.Group) -> Manual:
    """Return the manual of a program; all of its commands are imported for it."""
    context = click.Context(program, help_option_names=["-h", "--help"])
    names = program.list_commands(context)
    commands = ((name, program.get_command(context, name)) for name in names)
    return Manual(
        program=completion.PROGRAM,
        summary=_parts(inspect.cleandoc(program.help or ""))[0][0],
        options=_options(program, context),
        commands=tuple(command_page(n, command) for n, command in commands if command is not None),
        exit_codes=_entries(EXIT_CODES.items()),
        environment=_entries(ENVIRONMENT.items()),
        files=_entries(FILES.items()),
    )


def manual_at_hand() -> Manual:
    """Return the manual of the program that is running."""
    program = click.get_current_context().find_root().command
    assert isinstance(program, click.Group)
    return manual(program)
