"""What diff does: two sides read, compared, and said in the format asked for."""

from __future__ import annotations

from dataclasses import replace

from codegen import pipeline, report, review, sides
from codegen.commands.diff import NEVER
from codegen.comparison import Comparison
from codegen.console import FINE, INVALID, NO, USAGE, Run, complain
from codegen.impact import Impact
from codegen.options import Options
from codegen.report import Format
from codegen.revisions import RevisionError
from codegen.sides import Side


def compared(options: Options, run: Run, *, old: str | None, new: str | None, gate: str) -> int:
    """Answer for two sides as they were typed; return the exit code, which `gate` may fail."""
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
    grave = comparison.at_least(Impact(gate)) if gate != NEVER else ()
    if not grave:
        return FINE
    said = review.summary(Comparison(changes=grave))
    run.fail(f'{said}, and --fail-on is "{gate}"', hint="have them approved, or mend the manifest")
    return NO
