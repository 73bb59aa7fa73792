"""diff: what two manifests decide otherwise, and what that does to whom."""

from __future__ import annotations

from dataclasses import replace

import click

from codegen import completion, pipeline, report, review, sides
from codegen.comparison import Comparison, Impact
from codegen.console import FINE, INVALID, NO, USAGE, Run, complain
from codegen.flags import INPUT, in_formats, with_flags
from codegen.options import Options
from codegen.report import Format
from codegen.revisions import RevisionError
from codegen.sides import Side

_NEVER = "never"

# `--fail-on` has other values here than the setting of that name, so it settles no option.
_OF_THE_QUESTION = (
    click.argument("old", metavar="[OLD]", required=False, type=completion.FILE),
    click.argument("new", metavar="[NEW]", required=False, type=completion.FILE),
    click.option(
        "--fail-on",
        "gate",
        type=click.Choice([*(impact.value for impact in Impact), _NEVER]),
        default=_NEVER,
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
    try:
        was, goes = _read(options, old, new)
    except sides.AskedError as error:
        run.fail(error.message, hint=error.hint)
        return USAGE
    except RevisionError as error:
        run.fail(error.message, hint=error.hint)
        return INVALID
    broken = [side for side in (was, goes) if side.loaded.registry is None]
    if broken:
        run.show(sides.together(broken))
        return INVALID
    assert was.loaded.registry is not None
    assert goes.loaded.registry is not None
    comparison = pipeline.compared(was.loaded.registry, goes.loaded.registry)
    _answer(run, comparison, was, goes, gate)
    return _judged(run, comparison, gate)


def _read(options: Options, old: str | None, new: str | None) -> tuple[Side, Side]:
    asked = sides.asked(old, new)
    was = sides.read(asked[0], options)
    return was, sides.read(asked[1], options, sides.behind(was))


def _answer(run: Run, comparison: Comparison, was: Side, goes: Side, gate: str) -> None:
    """Give the answer in the format asked for, and say which overlays a revision lacks."""
    both = sides.together((was, goes))
    # Both files are the document's; findings are those of the new side, as `check` has them.
    run.loaded = replace(both, diagnostics=goes.loaded.diagnostics)
    sources, labels = both.sources, (was.label, goes.label)
    for side in (was, goes):
        for path in side.absent:
            where = report.shown(side.revision)
            complain(f"note: {report.shown(path)} is not at {where}; compared without it")
    if run.form is Format.MARKDOWN:
        run.publish(review.markdown(comparison, *labels))
    elif run.form is Format.JSON:
        run.answer(review.plain(sources, comparison, *labels, fail_on=gate))
    elif run.form is Format.GITHUB:
        run.say(review.github(sources, goes.paths, comparison, *labels))
    else:
        run.say(review.text(sources, comparison, *labels))


def _judged(run: Run, comparison: Comparison, gate: str) -> int:
    """Return the exit code, and complain where the gate is shut."""
    grave = comparison.at_least(Impact(gate)) if gate != _NEVER else ()
    if not grave:
        return FINE
    said = review.summary(Comparison(changes=grave))
    run.fail(f'{said}, and --fail-on is "{gate}"', hint="have them approved, or mend the manifest")
    return NO
