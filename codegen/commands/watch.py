"""watch: the artifacts, written anew whenever what they are made of changes."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from codegen import render, watching
from codegen.commands.build import generated
from codegen.config import settings_files
from codegen.console import Run, answered
from codegen.flags import FAIL_ON, INPUT, OUTPUT, Settle, with_flags_to_settle
from codegen.inputs import InputError
from codegen.options import Options
from codegen.report import Format

# How many changed files are named.
_NAMED = 3


def _settled(settle: Settle, run: Run) -> Options | None:
    """Return the options as they are now; None where the settings are broken, which is said."""
    try:
        return settle(run)
    except InputError as error:
        run.fail(error.message, hint=error.hint)
        return None


def _names(changed: tuple[Path, ...]) -> str:
    here = Path.cwd()
    shown = [str(p.relative_to(here) if p.is_relative_to(here) else p) for p in changed]
    more = len(shown) - _NAMED
    return ", ".join(shown[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _clear() -> None:
    """Begin at the top, where there is a terminal; a pipe gets one build below the other."""
    if sys.stdout is not None and sys.stdout.isatty():
        click.clear()


def _build(
    settle: Settle, read: watching.Inputs, changed: tuple[Path, ...]
) -> tuple[watching.Inputs, watching.Stamps]:
    """Build once; return what to wait for, and how it was before anything was read."""
    run = Run(Format.TEXT)
    seen = watching.stamps(read)
    _clear()
    if changed:
        run.say(f"{_names(changed)} changed")
    if watching.is_template(read, changed):
        render.forget_templates()
    options = _settled(settle, run)
    if options is not None:
        read = watching.inputs(options, read.settings)
        seen = watching.stamps(read, since=seen)
        answered(partial(generated, options, run), run)
    run.say("waiting for changes; Ctrl-C ends")
    return read, seen


@click.command()
@with_flags_to_settle(INPUT, OUTPUT, FAIL_ON)
def watch(settle: Settle, run: Run) -> int:
    """Write the artifacts whenever the manifest, an overlay, a template or a setting changes.

    It goes on until it is interrupted, which is the exit code 130. While the manifest is missing
    or broken, the findings are shown and the files stay as they are. On a terminal, each build
    takes the place of the one before.

    \b
    Example:
      providers-codegen watch --manifest providers.yaml --out generated
    """
    read = watching.inputs(settle(run), settings_files(Path.cwd()))
    changed: tuple[Path, ...] = ()
    while True:
        read, seen = _build(settle, read, changed)
        changed = watching.wait(read, seen)
