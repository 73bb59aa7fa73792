"""Load a manifest as every command does: what was found is shown, and may fail the run."""

from __future__ import annotations

from codegen import pipeline, report
from codegen.console import Run
from codegen.options import Options
from codegen.pipeline import Loaded


def loaded_with(options: Options, run: Run) -> Loaded:
    """Load the manifest and show what was found in it."""
    with run.waiting() as tell:
        loaded = pipeline.load(options.manifest, overlays=options.overlays, tell=tell)
    run.show(loaded)
    return loaded


def loaded_for_a_question(options: Options, run: Run) -> Loaded:
    """Load the manifest to ask it something; only errors, which leave no answer, are shown."""
    loaded = pipeline.load(options.manifest, overlays=options.overlays)
    if loaded.registry is None:
        run.show(loaded)
    run.loaded = loaded
    return loaded


def is_failing(run: Run) -> bool:
    """Tell whether warnings or notes fail the run, and complain if so."""
    found = run.loaded.diagnostics if run.loaded is not None else ()
    grave = report.at_least(found, run.fail_on)
    if grave:
        hint = "mend what was found, or ignore it in a comment that says why"
        run.fail(f'{report.summary(grave)}, and fail-on is "{run.fail_on.value}"', hint=hint)
    return bool(grave)
