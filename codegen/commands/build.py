"""check, generate and verify: from the manifest to the artifacts, and back to the question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from codegen import emit, pipeline, report
from codegen.canonical import fingerprint
from codegen.commands.loading import is_failing, loaded_with
from codegen.console import FINE, INVALID, NO, USAGE, Run, complain
from codegen.flags import INPUT, OUTPUT, REPORTING, with_flags
from codegen.ir import Registry
from codegen.options import Options
from codegen.report import Failure

if TYPE_CHECKING:
    from codegen.manual import Manual


def _counts(registry: Registry) -> str:
    arms = [arm for runtime in registry.runtimes for arm in runtime.arms]
    counts = (
        (len(registry.providers), "provider"),
        (len(registry.runtimes), "runtime"),
        (len(arms), "arm"),
        (sum(len(arm.models) for arm in arms), "listed id"),
        (sum(arm.is_name_only for arm in arms), "name-only arm"),
    )
    return ", ".join(report.counted(count, noun) for count, noun in counts)


def _manual(options: Options) -> Manual | None:
    if options.command_page is None:
        return None
    from codegen.commands.manual import manual_at_hand  # noqa: PLC0415 - imports every command

    return manual_at_hand()


@click.command()
@with_flags(INPUT, REPORTING)
def check(options: Options, run: Run) -> int:
    """Check the manifest and write nothing.

    \b
    Example:
      providers-codegen check --manifest providers.yaml
    """
    registry = loaded_with(options, run).registry
    if registry is None:
        return INVALID
    if is_failing(run):
        return NO
    files = ", ".join(str(path) for path in (options.manifest, *options.overlays))
    run.say(f"{files}: {_counts(registry)}")
    return FINE


@click.command()
@with_flags(INPUT, OUTPUT, REPORTING)
def generate(options: Options, run: Run) -> int:
    """Write the artifacts: all of them, or none.

    \b
    Example:
      providers-codegen generate --target python --target go
    """
    return generated(options, run)


def generated(options: Options, run: Run) -> int:
    """Write the artifacts, say what was done, and return the exit code for it."""
    registry = loaded_with(options, run).registry
    if registry is None:
        complain("nothing was written")
        return INVALID
    if is_failing(run):
        complain("nothing was written")
        return NO
    with run.waiting() as tell:
        trees = pipeline.trees(registry, options, _manual(options), tell)
    try:
        with run.waiting() as tell:
            tell("writing")
            written = emit.write(trees, fingerprint(registry))
    except emit.RefusedError as refused:
        foreign = (f"{path} was not written by providers-codegen" for path in refused.paths)
        run.fail(*foreign, hint="move it away or remove it; nothing was written")
        return NO
    except OSError as error:
        reason = error.strerror or str(error)
        run.fail(f"{options.out} cannot be written: {reason}; the old files are whole")
        return USAGE
    for tree, done in zip(trees, written, strict=True):
        _print_written(tree, done, run)
    return FINE


def _print_written(tree: emit.Tree, written: emit.Written, run: Run) -> None:
    out = tree.out
    for path in written.changed:
        run.say(f"wrote    {out / path}")
    for path in written.removed:
        run.say(f"removed  {out / path}")
    for path in written.kept:
        run.say(f"left     {out / path} (nothing generates it; remove it by hand)")
    changed, same = len(written.changed), len(written.unchanged)
    run.say(f"{tree.name}: {changed} written, {same} already up to date")


@click.command()
@with_flags(INPUT, OUTPUT, REPORTING)
def verify(options: Options, run: Run) -> int:
    """Fail if any file is not what the manifest gives.

    \b
    Example:
      providers-codegen verify --out generated
    """
    registry = loaded_with(options, run).registry
    if registry is None:
        return INVALID
    fails = is_failing(run)
    with run.waiting() as tell:
        trees = pipeline.trees(registry, options, _manual(options), tell)
    try:
        found = [(tree, emit.drift(tree, fingerprint(registry))) for tree in trees]
    except OSError as error:
        run.fail(f"{error.filename or options.out} cannot be read: {error.strerror}")
        return USAGE
    for tree, drift in found:
        if not drift:
            files = report.counted(len(tree.artifacts), "file")
            run.say(f"{tree.name}: {files}, all as generated")
    differing = [(tree.out, each) for tree, drift in found for each in drift]
    if differing:
        _print_drift(options, differing, run)
    return NO if fails or differing else FINE


_DIFF_LINES = 40
_Found = list[tuple[Path, emit.Drift]]


def _print_drift(options: Options, found: _Found, run: Run) -> None:
    for out, difference in found:
        path = out / difference.path
        run.say(f"{difference.kind.value:<9} {path}: {difference.cause.value}")
        lines = difference.diff.splitlines()
        for line in lines[:_DIFF_LINES]:
            run.say("  " + line)
        if len(lines) > _DIFF_LINES:
            run.say(f"  … {len(lines) - _DIFF_LINES} more lines of difference")
    run.say("")
    _print_remedy(options, found, run)
    folders = ", ".join(dict.fromkeys(str(out) for out, _ in found))
    files = report.counted(len(found), "file")
    message = f"{folders}: {files} differ from what the manifest gives"
    run.record(Failure(message=message, hint=f"run: {options.command}"))


def _print_remedy(options: Options, found: _Found, run: Run) -> None:
    causes = {difference.cause for _, difference in found}
    for out, difference in found:
        if difference.cause is emit.Cause.FOREIGN:
            run.say(f"To mend, remove {out / difference.path} by hand.")
    if emit.Cause.HAND in causes:
        run.say("An edit by hand will be lost: make it in the manifest or the templates.")
    if causes - {emit.Cause.FOREIGN}:
        run.say(f"To mend, run: {options.command}")
