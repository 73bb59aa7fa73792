"""schema: the JSON Schema of the manifest, for editors."""

from __future__ import annotations

import click

from codegen import pipeline
from codegen.commands.loading import loaded_with
from codegen.console import FINE, INVALID, Run
from codegen.flags import INPUT, with_flags
from codegen.options import Options


@click.command()
@with_flags(INPUT)
def schema(options: Options, run: Run) -> int:
    """Print the JSON Schema of the manifest, for editors.

    It is printed whatever state the manifest is in, because it is what helps to mend one. It
    offers the names of the providers at hand; where the manifest has errors, they are reported,
    the names that can be read are offered, and the exit code is 2.

    \b
    Example:
      providers-codegen schema > providers.schema.json
    """
    loaded = loaded_with(options, run)
    artifact = pipeline.json_schema(loaded.provider_names, options)
    # As bytes, so that a redirection holds what `generate` writes on every system.
    click.echo(artifact.text.encode("utf-8"), nl=False)
    return INVALID if loaded.registry is None else FINE
