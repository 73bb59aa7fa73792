"""What a page downloads of the TypeScript artifact, minified and compressed, by what it imports."""

from __future__ import annotations

import json
import re

from benchmarks.outcome import Figure, Limit, Outcome, Target, figure, median
from benchmarks.typescript import artifacts, asking

TITLE = "Size of the TypeScript artifact, minified by esbuild and compressed by gzip"
LIMIT = 6_000
WHOLE, DERIVE, LABELS = "the whole", "deriveProvider", "labels of PROVIDERS"

# What a page imports, and what it does with that.
PAGES = {
    WHOLE: "export * from {path};",
    DERIVE: "export {{ deriveProvider }} from {path};",
    "tryDeriveProvider": "export {{ tryDeriveProvider }} from {path};",
    "validateModel": "export {{ validateModel }} from {path};",
    "menus of RUNTIMES": "export {{ RUNTIMES }} from {path};",
    LABELS: "import {{ PROVIDERS }} from {path};\n"
    "export const labels = PROVIDERS.map(({{ displayName }}) => displayName);",
}


def bundle(page: str) -> str:
    """Return the bundle of one of the pages."""
    return asking.bundled(PAGES[page].format(path=json.dumps(str(artifacts.REAL))))


def carried() -> int:
    """Return how many rows of the routing tables a page of labels carries.

    A row begins with the text of its key and its literal. Raises `LookupError` where the bundle
    that has the tables has none of that kind, for then it would be looked for in vain.
    """
    source = artifacts.REAL.read_text(encoding="utf-8")
    start = source.index("const ROWS")
    found = re.findall(r'\["([^"]+)", "([^"]*)", P_', source[start : source.index("\n]);", start)])
    rows = [f'["{key}","{literal}",' for key, literal in found]
    labels, derive = bundle(LABELS), bundle(DERIVE)
    if not rows or not all(row in derive for row in rows):
        raise LookupError("the rows cannot be found in the bundle that has them")
    return sum(row in labels for row in rows)


def _figures(page: str) -> tuple[Figure, Figure]:
    text = bundle(page)
    sizes = (("minified", len(text.encode("utf-8"))), ("and compressed", asking.gzipped(text)))
    small, compressed = (figure(case, page, "bytes", [size]) for case, size in sizes)
    return small, compressed


def run() -> Outcome:
    figures = tuple(each for page in PAGES for each in _figures(page))
    size = Target(
        what="tree-shaken to `deriveProvider`, minified and compressed",
        value=median(figures, "and compressed", DERIVE),
        limit=LIMIT,
        side=Limit.AT_MOST,
        unit="bytes",
    )
    rows = Target(
        what="rows of the routing tables in a page that imports only labels",
        value=carried(),
        limit=0,
        side=Limit.AT_MOST,
        unit="rows",
    )
    versions = (("esbuild", asking.version("esbuild")),)
    return Outcome(figures=figures, targets=(size, rows), versions=versions)
