"""The command line: the group of the commands, and the exit code; no logic."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from codegen import __version__, completion
from codegen.commands import COMMANDS
from codegen.console import FINE, USAGE, Run, quietly
from codegen.report import Format


class _Commands(click.Group):
    """The commands by name; to call one does not import the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"codegen.commands.{COMMANDS[cmd_name]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with its whole first sentence."""
        commands = ((name, self.get_command(ctx, name)) for name in COMMANDS)
        rows = [(n, command.get_short_help_str(1_000)) for n, command in commands if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    epilog="Exit codes: 0 fine, 1 drift or another no, 2 invalid input, 3 usage or internal error.",
)
@click.version_option(__version__, prog_name=completion.PROGRAM)
def main() -> None:
    """Compile one manifest of LLM providers into equal tables in Python, Go and TypeScript.

    \b
    Example:
      providers-codegen generate --manifest providers.yaml --out generated
    """


def _called() -> int:
    """Call the command that the arguments name, and return its exit code."""
    try:
        # Not `main.main`, which answers an interrupt and a closed pipe in its own way.
        with main.make_context(completion.PROGRAM, sys.argv[1:]) as context:
            code = main.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    return code if isinstance(code, int) else FINE


def _answered(instruction: str, run: Run) -> int:
    """Answer a shell in which somebody pressed Tab."""
    text = completion.answer(main, instruction)
    if text is None:
        return USAGE
    run.say(text)
    return FINE


def _outcome() -> int:
    run = Run(Format.TEXT)
    instruction = os.environ.get(completion.VARIABLE)
    if instruction is not None:
        return quietly(lambda: _answered(instruction, run), run)
    return quietly(_called, run)


def run() -> None:
    """Run the command line and exit with one of the documented codes; never a traceback."""
    sys.exit(_outcome())
