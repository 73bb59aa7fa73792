"""explain: one decision, step by step, with the lines of the manifest behind it."""

from __future__ import annotations

import re

import click

from codegen import completion
from codegen.commands.loading import loaded_for_a_question
from codegen.console import FINE, INVALID, NO, Run
from codegen.flags import INPUT, in_formats, with_flags
from codegen.options import Options
from codegen.report import Format
from codegen.routing import Mode

# The form of a name that a shell can set; what else somebody types may hold a key's value.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _names(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Take names alone; a value must not come back in a message."""
    if not all(_NAME.fullmatch(name) for name in value):
        raise click.BadParameter("give the name of a variable, never its value", ctx, param)
    return value


_OF_THE_QUESTION = (
    click.argument("runtime", metavar="RUNTIME", type=completion.RUNTIME),
    click.argument("model", metavar="MODEL", type=completion.MODEL),
    click.option(
        "--auth-env",
        "auth_env",
        metavar="NAME",
        type=completion.AUTH_ENV,
        multiple=True,
        callback=_names,
        help="The name of a variable that is set; may be given several times.",
    ),
    click.option(
        "--override",
        metavar="MODE",
        help="The billing mode that the workspace was given.",
    ),
    click.option(
        "--default-mode",
        "default",
        type=click.Choice([mode.value for mode in Mode]),
        default=Mode.PLATFORM_MANAGED.value,
        show_default=True,
        help="The billing mode of the deployment where no provider is derived.",
    ),
    click.option(
        "--pinned",
        "is_pinned",
        is_flag=True,
        help="For a workspace that exists already: a withdrawn id counts as listed.",
    ),
)


@click.command()
@with_flags(_OF_THE_QUESTION, INPUT, in_formats(Format.TEXT, Format.JSON))
def explain(
    options: Options,
    run: Run,
    runtime: str,
    model: str,
    *,
    auth_env: tuple[str, ...],
    override: str | None,
    default: str,
    is_pinned: bool,
) -> int:
    """Explain which provider serves a model on a runtime, who pays, and which key opens it.

    Names of variables are given, never values. The exit code is 1 where the model is refused.

    \b
    Example:
      providers-codegen explain claude-code kimi-k2.5 --auth-env KIMI_API_KEY
    """
    from codegen import explanation  # noqa: PLC0415 - the page of the commands needs none
    from codegen.report import explained, explained_data  # noqa: PLC0415

    loaded = loaded_for_a_question(options, run)
    registry = loaded.registry
    if registry is None:
        return INVALID
    question = explanation.Question(
        runtime=runtime,
        model=model,
        auth_env=auth_env,
        override=override,
        default=default,
        is_pinned=is_pinned,
    )
    found = explanation.explain(registry, question)
    if run.form is Format.JSON:
        run.answer(explained_data.plain(loaded.sources, found))
    else:
        run.say(explained.text(loaded.sources, found))
    return FINE if found.refusal is None else NO
