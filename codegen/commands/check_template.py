"""check-template: the ids that a runtime's own template offers, against the registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from codegen import completion, pipeline, report
from codegen.commands.loading import is_failing
from codegen.console import FINE, INVALID, NO, USAGE, Run
from codegen.diagnostics import has_errors
from codegen.flags import INPUT, REPORTING, Flags, with_flags
from codegen.ir import Registry
from codegen.nearest import did_you_mean
from codegen.options import Options
from codegen.pointers import PointerError, parse_pointer
from codegen.routing import quoted
from codegen.runtime_templates import OFFERS

if TYPE_CHECKING:
    from codegen.judging import Checked

_TEMPLATE: Flags = (
    click.argument("files", metavar="FILE...", nargs=-1, required=True, type=completion.FILE),
    click.option(
        "--runtime",
        metavar="RT",
        required=True,
        type=completion.RUNTIME,
        help="The runtime that the templates are of.",
    ),
    click.option(
        "--select",
        "selects",
        metavar="POINTER",
        multiple=True,
        help="Where the ids stand: a JSON pointer, in which * is every item; may be given "
        f"several times.  [default: {OFFERS.text}]",
    ),
)


@click.command("check-template")
@with_flags(_TEMPLATE, INPUT, REPORTING)
def check_template(
    options: Options, run: Run, *, files: tuple[str, ...], runtime: str, selects: tuple[str, ...]
) -> int:
    """Check what a runtime's own template offers against the registry.

    \b
    Example:
      providers-codegen check-template config.yaml --runtime hermes
    """
    # The page of the commands needs neither.
    from codegen.judging import check_templates  # noqa: PLC0415
    from codegen.report.verdicts import counts_line, plain  # noqa: PLC0415

    try:
        pointers = tuple(map(parse_pointer, selects)) or (OFFERS,)
    except PointerError as error:
        run.fail(error.message, hint=report.shown(error.hint))
        return USAGE
    loaded = pipeline.load(options.manifest, overlays=options.overlays)
    registry = loaded.registry
    found = registry.runtime(runtime) if registry is not None else None
    if registry is None or found is None:
        run.show(loaded)
        return INVALID if registry is None else _unknown_runtime(registry, runtime, run)
    checked = check_templates(loaded, registry, found, map(Path, files), pointers)
    run.show(checked.loaded)
    run.answer(plain(runtime, checked.judged))
    for judged in checked.judged:
        run.say(counts_line(judged))
    return _code(checked, run)


def _unknown_runtime(registry: Registry, name: str, run: Run) -> int:
    names = [runtime.name for runtime in registry.runtimes]
    known = f"the manifest has {', '.join(names)}" if names else "the manifest has no runtime"
    run.fail(f"no runtime is called {quoted(name)}", hint=did_you_mean(name, names) or known)
    return USAGE


def _code(checked: Checked, run: Run) -> int:
    """Return the exit code: a file that could not be read weighs more than any finding."""
    if checked.is_unreadable:
        return INVALID
    return NO if has_errors(checked.loaded.diagnostics) or is_failing(run) else FINE
