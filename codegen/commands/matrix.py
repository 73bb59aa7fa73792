"""matrix: every arm of every runtime, for people in a terminal or a browser, and for programs."""

from __future__ import annotations

from pathlib import Path

import click

from codegen import completion, pipeline, report
from codegen.commands.loading import loaded_for_a_question
from codegen.console import FINE, INVALID, NO, USAGE, Run
from codegen.flags import INPUT, Flags, in_formats, with_flags
from codegen.ir import Registry
from codegen.nearest import did_you_mean
from codegen.options import Options
from codegen.report import Format

OWN: Flags = (
    click.option(
        "--runtime",
        "runtimes",
        metavar="RUNTIME",
        type=completion.RUNTIME,
        multiple=True,
        help="Only this runtime; may be given several times.  [default: all]",
    ),
    click.option(
        "--output",
        metavar="FILE",
        type=completion.FILE,
        help="Write the page to this file, all of it or nothing; for the format html.",
    ),
)


@click.command()
@with_flags(INPUT, in_formats(Format.TEXT, Format.JSON, Format.HTML), OWN)
def matrix(options: Options, run: Run, *, runtimes: tuple[str, ...], output: str | None) -> int:
    """Show what each runtime offers: providers, who pays, which keys, which ids.

    As HTML it is one page that needs no network, and routes any id that is typed into it.

    \b
    Example:
      providers-codegen matrix --format html --output build/report.html
    """
    import shutil  # noqa: PLC0415

    from codegen import matrix as matrices  # noqa: PLC0415 - the page of the commands needs none

    if output is not None and run.form is not Format.HTML:
        run.fail("--output is for --format html", hint="redirect standard output instead")
        return USAGE
    registry = loaded_for_a_question(options, run).registry
    if registry is None:
        return INVALID
    if _is_strange(registry, runtimes, run):
        return USAGE
    shown = matrices.matrix(registry, runtimes)
    if run.form is Format.HTML:
        return _publish(pipeline.matrix_page(registry, shown, options), output, run)
    if run.form is Format.JSON:
        run.answer(matrices.plain(shown))
        return FINE
    for line in matrices.text(shown, shutil.get_terminal_size().columns):
        run.say(line)
    return FINE


def _is_strange(registry: Registry, runtimes: tuple[str, ...], run: Run) -> bool:
    """Tell whether a name is of no runtime, and complain if so."""
    known = [runtime.name for runtime in registry.runtimes]
    for name in runtimes:
        if name not in known:
            hint = did_you_mean(name, known) or report.shown(
                f"the runtimes are: {', '.join(known)}"
            )
            run.fail(f'the manifest has no runtime "{name}"', hint=hint)
            return True
    return False


def _publish(page: str, output: str | None, run: Run) -> int:
    """Put the page where it was asked for."""
    from codegen import emit  # noqa: PLC0415

    if output is None:
        run.publish(page)
        return FINE
    try:
        is_new = emit.publish(Path(output), page)
    except emit.RefusedError:
        hint = "move it away or remove it; nothing was written"
        run.fail(f"{output} was not written by providers-codegen", hint=hint)
        return NO
    except OSError as error:
        run.fail(f"{output} cannot be written: {error.strerror or error}; nothing was changed")
        return USAGE
    run.say(f"{output}: {'written' if is_new else 'already up to date'}")
    return FINE
