"""completion: the script that teaches a shell to complete the command line."""

from __future__ import annotations

import click

from codegen.completion import SHELLS, script
from codegen.console import FINE


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the script that teaches a shell to complete commands, flags and names.

    Runtimes, providers and models are those of the manifest at hand: that of the settings, or the
    one that was typed after --manifest.

    \b
    Example:
      eval "$(providers-codegen completion bash)"
    """
    # As bytes, so that the shell reads the same script on every system.
    click.echo(script(shell).encode("utf-8"), nl=False)
    return FINE
