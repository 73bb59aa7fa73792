"""rules and explain-rule: what a manifest is held to."""

from __future__ import annotations

import click

from codegen import completion, pipeline, report
from codegen.console import FINE, USAGE, complain
from codegen.nearest import did_you_mean
from codegen.rulebook import rule_pages
from codegen.rules import BY_CODE, BY_NAME


@click.command()
def rules() -> int:
    """List the rules that a manifest is held to.

    \b
    Example:
      providers-codegen rules
    """
    widest = max(len(page.rule.name) for page in rule_pages())
    for page in rule_pages():
        rule = page.rule
        click.echo(f"{rule.code}  {rule.severity.value:<7}  {rule.name:<{widest}}  {page.summary}")
    return FINE


@click.command("explain-rule")
@click.argument("code", metavar="CODE", type=completion.RULE)
def explain_rule(code: str) -> int:
    """Print the page of a rule, by its code or its name.

    \b
    Example:
      providers-codegen explain-rule A003
    """
    rule = BY_CODE.get(code.upper()) or BY_NAME.get(code.lower())
    if rule is None:
        nearest = did_you_mean(code, [*BY_CODE, *BY_NAME])
        complain(f"error: there is no rule {report.shown(code)!r}")
        complain(f"help: {nearest or 'providers-codegen rules lists them'}")
        return USAGE
    click.echo(pipeline.rule_page(rule.code), nl=False)
    return FINE
