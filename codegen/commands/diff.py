"""diff: what two manifests decide otherwise, and what that does to whom."""

from __future__ import annotations

import click

from codegen import completion
from codegen.console import Run
from codegen.flags import INPUT, in_formats, with_flags
from codegen.impact import Impact
from codegen.options import Options
from codegen.report import Format

NEVER = "never"

# `--fail-on` has other values here than the setting of that name, so it settles no option.
_OF_THE_QUESTION = (
    click.argument("old", metavar="[OLD]", required=False, type=completion.FILE),
    click.argument("new", metavar="[NEW]", required=False, type=completion.FILE),
    click.option(
        "--fail-on",
        "gate",
        type=click.Choice([*(impact.value for impact in Impact), NEVER]),
        default=NEVER,
        show_default=True,
        help="The impact from which changes fail the run.",
    ),
)


@click.command()
@with_flags(
    _OF_THE_QUESTION,
    INPUT,
    in_formats(Format.TEXT, Format.JSON, Format.MARKDOWN, Format.GITHUB),
)
def diff(options: Options, run: Run, *, old: str | None, new: str | None, gate: str) -> int:
    """Say what changes between two manifests: not lines, but decisions.

    OLD and NEW are files (./…, /… or *.yaml), or revisions of git, at which the manifest and its
    overlays are read; OLD..NEW works too. The default is HEAD against the manifest as it is.

    \b
    Example:
      providers-codegen diff main --fail-on billing
    """
    from codegen.commands import comparing  # noqa: PLC0415 - the page of the commands needs none

    return comparing.compared(options, run, old=old, new=new, gate=gate)
