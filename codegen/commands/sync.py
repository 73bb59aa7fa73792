"""sync: the manifest or artifacts in another repository, and whether they are still the same."""

from __future__ import annotations

from typing import Any

import click

from codegen import completion
from codegen.console import Run
from codegen.flags import Flags, in_formats, with_flags
from codegen.options import LOCK, Options
from codegen.report import Format

_FLAGS: Flags = (
    click.argument("files", nargs=-1, metavar="[FILE[=DEST]]..."),
    click.option(
        "--from",
        "source",
        metavar="SOURCE",
        type=completion.FOLDER,
        help="Vendor FILEs from a folder, a repository (with --revision) or an https:// URL.",
    ),
    click.option("--revision", metavar="REV", help="The revision of git to take FILEs from."),
    click.option("--token-env", metavar="NAME", help="The variable with the token for the URL."),
    click.option(
        "--to",
        metavar="DIR",
        type=completion.FOLDER,
        help="Where FILEs go.  [default: .]",
    ),
    click.option("--force", is_flag=True, help="Overwrite files that were not vendored."),
    click.option("--check", is_flag=True, help="Change nothing; fail if sync would."),
    click.option("--offline", is_flag=True, help="With --check: compare with the lock alone."),
    click.option("--locked", is_flag=True, help="Restore what the lock says, and nothing newer."),
    click.option(
        "--lock",
        metavar="FILE",
        type=completion.FILE,
        default=LOCK,
        show_default=True,
        help="The lock; what it names stays inside of its folder.",
    ),
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0, min_open=True, max=3600),
        default=60,
        show_default=True,
        help="How long a server may take for a file.",
    ),
)


@click.command()
@with_flags(_FLAGS, in_formats(Format.TEXT, Format.JSON, Format.GITHUB))
def sync(options: Options, run: Run, **flags: Any) -> int:
    """Vendor the manifest or artifacts from elsewhere, and keep them up to date.

    With --from, FILEs are vendored, each under its own name or as DEST, and the lock records
    where they came from. Without, all that the lock names is brought up to date.

    \b
    Example:
      providers-codegen sync --from ../registry generated/registry.json --to vendor
      providers-codegen sync --check
    """
    from codegen.commands import syncing  # noqa: PLC0415 - the page of the commands needs none

    return syncing.synced(syncing.Request(**flags), run)
