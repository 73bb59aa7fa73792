"""fmt: the manifest in the one layout, comments and order kept."""

from __future__ import annotations

from pathlib import Path

import click

from codegen import pipeline
from codegen.console import FINE, INVALID, NO, USAGE, Run
from codegen.flags import MANIFEST, with_flags
from codegen.options import Options


@click.command()
@with_flags(
    MANIFEST,
    (
        click.option("--check", is_flag=True, help="Change nothing; fail if fmt would."),
        click.option("--diff", is_flag=True, help="Change nothing; print what fmt would."),
    ),
)
def fmt(options: Options, run: Run, *, check: bool, diff: bool) -> int:
    """Format the manifest in place; comments and order stay.

    \b
    Example:
      providers-codegen fmt --check --diff
    """
    from codegen import emit, formatting  # noqa: PLC0415 - the page of the commands needs none

    path = options.manifest
    try:
        loaded, text = pipeline.formatted(path)
    except formatting.RefusedError as refused:
        run.fail(
            f"{path} cannot be formatted: {refused.message}",
            hint=f"{refused.hint}; nothing was changed",
        )
        return INVALID
    run.show(loaded)
    if text is None:
        return INVALID
    try:
        difference = emit.difference(path, text)
        if difference and not (check or diff):
            emit.rewrite(path, text)
    except OSError as error:
        run.fail(f"{path} cannot be formatted: {error.strerror or error}; it is as it was")
        return USAGE
    return _formatted(path, difference, run, is_check=check, is_diff=diff)


def _formatted(path: Path, difference: str, run: Run, *, is_check: bool, is_diff: bool) -> int:
    """Say what fmt did, or would do."""
    if is_diff:
        click.echo(difference, nl=False)
    if difference and (is_check or is_diff):
        if is_check:
            run.say(f"{path}: not formatted; to mend, run fmt without --check")
        return NO
    run.say(f"{path}: {'formatted' if difference else 'already formatted'}")
    return FINE
