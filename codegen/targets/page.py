"""A page to render: a template, the path it becomes, and the view it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen.digest import PLACEHOLDER
from codegen.frozen import frozen
from codegen.options import header_lines
from codegen.quote import comment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from codegen.options import Options
    from codegen.packs import Pack


@frozen
class Header:
    """The computed header of an artifact, safe inside a comment of any language."""

    marker: str
    command: str
    digest: str


def _header(marker: str, command: str) -> Header:
    return Header(marker=comment(marker), command=comment(command), digest=f"Digest: {PLACEHOLDER}")


def header(options: Options) -> Header:
    """Return the header of a build's artifacts."""
    return _header(*options.header)


def header_of(source: str, command: str) -> Header:
    """Return the header of what another source than the manifest gives."""
    return _header(*header_lines(source, command))


@frozen
class Page:
    """`template` is a path below templates/, or below the folder of a pack where it is of one.

    `path` is one below the output folder.
    """

    template: str
    path: str
    view: DataclassInstance
    pack: Pack | None = None


def package_version(fingerprint: str, schema_version: int) -> str:
    """Return the version of the packages: the schema's, and the data's as build metadata."""
    return f"{schema_version}.0.0+{fingerprint[:12]}"
