"""The flags that commands share, and how they become options and a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from codegen import completion
from codegen.config import SETTINGS, resolve
from codegen.console import Run, quietly
from codegen.diagnostics import Severity
from codegen.options import Options
from codegen.report import Format
from codegen.targets import TARGETS

Flags = tuple[Callable[[Callable[..., int]], Callable[..., int]], ...]

MANIFEST: Flags = (
    click.option(
        "--manifest",
        metavar="FILE",
        type=completion.FILE,
        help="The manifest.  [default: providers.yaml]",
    ),
)
INPUT: Flags = (
    *MANIFEST,
    click.option(
        "--overlay",
        "overlays",
        metavar="FILE",
        type=completion.FILE,
        multiple=True,
        help="A manifest that adds to it; may be given several times.",
    ),
)
OUTPUT: Flags = (
    click.option(
        "--out",
        metavar="DIR",
        type=completion.FOLDER,
        help="The output folder.  [default: generated]",
    ),
    click.option(
        "--target",
        "targets",
        metavar="NAME",
        type=completion.TARGET,
        multiple=True,
        help=f"Only this target, of {', '.join(TARGETS)} and those of packs; may be given "
        "several times.  [default: all]",
    ),
    click.option(
        "--target-pack",
        "target_packs",
        metavar="DIR",
        type=completion.FOLDER,
        multiple=True,
        help="A folder that adds a target; may be given several times.",
    ),
    click.option(
        "--target-option",
        "target_options",
        metavar="TARGET.OPTION=VALUE",
        multiple=True,
        help="An option of such a target; may be given several times.",
    ),
    click.option(
        "--go-module",
        metavar="PATH",
        help="The path of the Go module.  [default: example.com/provider-registry]",
    ),
    click.option(
        "--npm-name",
        metavar="NAME",
        help="The name of the npm package.  [default: provider-registry]",
    ),
    click.option(
        "--python-package",
        metavar="NAME",
        help="The name of the Python package.  [default: provider_registry]",
    ),
)


def in_formats(*forms: Format) -> Flags:
    """Return the flag that chooses among some formats; the first is the default."""
    return (
        click.option(
            "--format",
            "form",
            type=click.Choice([form.value for form in forms]),
            default=forms[0].value,
            show_default=True,
            help="How the answer, and findings, are reported.",
        ),
    )


FAIL_ON: Flags = (
    click.option(
        "--fail-on",
        type=click.Choice([severity.value for severity in Severity]),
        help="The severity from which findings fail the run.  [default: error]",
    ),
)
REPORTING: Flags = (
    *in_formats(Format.TEXT, Format.JSON, Format.GITHUB, Format.SARIF),
    *FAIL_ON,
)

# What settles the options of a build; all other flags are the command's own.
_OF_OPTIONS = ("targets", *(setting.key.replace("-", "_") for setting in SETTINGS))


Settle = Callable[[Run], Options]


def with_flags(*groups: Flags) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command groups of flags: some become options, the others arguments of its own.

    The command is called with the options and a run to speak through, and returns its exit code.
    Whatever it raises ends in one line and the code for it (`console.quietly`).
    """

    def decorated(command: Callable[..., int]) -> Callable[..., int]:
        @wraps(command)
        def settled(settle: Settle, run: Run, **own: Any) -> int:
            return command(settle(run), run, **own)

        return with_flags_to_settle(*groups)(settled)

    return decorated


def with_flags_to_settle(*groups: Flags) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Do as `with_flags`, but for a command that outlives a change of the settings.

    It is called with a function that returns the options as they are at that time, for a run;
    the function raises `InputError` where the settings cannot be used.
    """

    def decorated(command: Callable[..., int]) -> Callable[..., int]:
        @wraps(command)
        def resolved(form: str = Format.TEXT.value, **flags: Any) -> int:
            run = Run(Format(form))
            own = {name: value for name, value in flags.items() if name not in _OF_OPTIONS}
            settled = {name: value for name, value in flags.items() if name in _OF_OPTIONS}
            return quietly(lambda: command(partial(_resolved, **settled), run, **own), run)

        flagged: Callable[..., int] = resolved
        for option in reversed([option for group in groups for option in group]):
            flagged = option(flagged)
        return flagged

    return decorated


def _resolved(
    run: Run,
    targets: tuple[str, ...] | None = None,
    **flags: str | tuple[str, ...] | None,
) -> Options:
    settings = {name.replace("_", "-"): value for name, value in flags.items()}
    options = resolve(settings, Path.cwd(), targets)
    run.fail_on = Severity(options.fail_on)
    return options
