"""The command line: the group of the commands, and the exit code; no logic."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from codegen import __version__
from codegen.commands import COMMANDS
from codegen.console import FINE, INTERRUPTED, USAGE, Run, internal
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


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    epilog="Exit codes: 0 fine, 1 drift or another no, 2 invalid input, 3 usage or internal error.",
)
@click.version_option(__version__, prog_name="providers-codegen")
def main() -> None:
    """Compile one manifest of LLM providers into equal tables in Python, Go and TypeScript."""


def _outcome() -> int:
    try:
        code = main.main(prog_name="providers-codegen", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except click.Abort:
        return INTERRUPTED
    except Exception as error:
        return internal(error, Run(Format.TEXT))
    return code if isinstance(code, int) else FINE


def run() -> None:
    """Run the command line and exit with one of the documented codes; never a traceback."""
    sys.exit(_outcome())
