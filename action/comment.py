"""Post a Markdown file as one comment on a pull request, of GitHub or Gitea; or update it.

Part of the action; nothing but the standard library. A comment is a courtesy: whatever the forge
answers, the exit code is 0, and what could not be posted goes into the summary of the job.

The environment says where: COMMENT_API (the root of the REST API), COMMENT_REPOSITORY (owner/name),
COMMENT_NUMBER (of the pull request), COMMENT_TOKEN, and COMMENT_KEY, which keeps the comments of
several manifests apart. The token is sent to that API alone, and never printed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# GitHub takes 65,536 characters.
LIMIT = 60_000
_PAGES = 50
_ANSWER = 20_000_000
# A forge that is out of breath gets a second and a third chance.
_PAUSES = (1.0, 4.0)
_SECONDS = float(os.environ.get("COMMENT_TIMEOUT", "20"))


class ForgeError(Exception):
    """The forge did not do what it was asked. The message is a clause without any secret."""

    def __init__(self, message: str, *, is_passing: bool = False) -> None:
        """Keep whether another try may help."""
        super().__init__(message)
        self.is_passing = is_passing


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Another place is not where the token was meant for."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class Forge:
    """The part of the REST API that GitHub and Gitea share."""

    api: str
    repository: str
    token: str = field(repr=False)

    def call(self, method: str, path: str, data: Mapping[str, str] | None = None) -> Any:
        """Return the decoded answer. Raises `ForgeError`."""
        request = urllib.request.Request(
            f"{self.api.rstrip('/')}/repos/{self.repository}/issues/{path}",
            method=method,
            data=None if data is None else json.dumps(data).encode("utf-8"),
            headers={
                "Authorization": f"token {self.token}",
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": "providers-codegen",
            },
        )
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=_SECONDS) as response:
                return json.loads(response.read(_ANSWER))
        except urllib.error.HTTPError as error:
            message = f"{method} of a comment is answered with {error.code}"
            raise ForgeError(message, is_passing=error.code >= 500) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ForgeError(f"the API does not answer: {reason}", is_passing=True) from error

    def comments(self, number: str) -> Iterator[Mapping[str, Any]]:
        """Yield the comments on a pull request; a forge without pages gives all of them at once."""
        seen: set[object] = set()
        for page in range(1, _PAGES + 1):
            found = self.call("GET", f"{number}/comments?per_page=100&limit=100&page={page}")
            fresh = [comment for comment in found if comment["id"] not in seen]
            if not fresh:
                return
            seen.update(comment["id"] for comment in fresh)
            yield from fresh


def marker(key: str) -> str:
    """Return the hidden line by which the comment is found again.

    >>> marker("config/llm.yaml")
    '<!-- providers-codegen diff config/llm.yaml -->'
    """
    name = re.sub(r"-{2,}", "-", re.sub(r"[^\w./-]", "_", key)).strip("-")
    return f"<!-- providers-codegen diff{f' {name}' if name else ''} -->"


def bounded(text: str) -> str:
    """Return a text that a forge takes, cut at the end of a line where it is too long."""
    if len(text) <= LIMIT:
        return text
    whole = text[:LIMIT].rpartition("\n")[0]
    return f"{whole}\n\nThe rest is cut here; the summary of the job has all of it.\n"


def post(forge: Forge, number: str, key: str, text: str, *, is_only_update: bool) -> str:
    """Create the comment, or update it, and return what was done. Raises `ForgeError`."""
    mark = marker(key)
    body = {"body": f"{mark}\n{bounded(text)}"}
    ours = (c["id"] for c in forge.comments(number) if str(c.get("body")).startswith(mark))
    found = next(ours, None)
    if found is not None:
        forge.call("PATCH", f"comments/{found}", body)
        return "the comment is up to date"
    if is_only_update:
        return "nothing changes, so there is nothing to comment"
    forge.call("POST", f"{number}/comments", body)
    return "the comment is posted"


def _patiently(forge: Forge, number: str, key: str, text: str, *, is_only_update: bool) -> str:
    for pause in _PAUSES:
        try:
            return post(forge, number, key, text, is_only_update=is_only_update)
        except ForgeError as error:
            if not error.is_passing:
                raise
            time.sleep(min(pause, _SECONDS))
    return post(forge, number, key, text, is_only_update=is_only_update)


def summarise(text: str) -> None:
    """Put a text into the summary of the job; where there is none, into its log.

    On Gitea into both: it shows no summaries before version 1.27.
    """
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(f"{text}\n")
    if not path or os.environ.get("GITEA_ACTIONS"):
        print(text)


def main() -> None:
    """Post what the arguments and the environment say, or say why not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("body", type=Path)
    parser.add_argument("--only-update", action="store_true")
    arguments = parser.parse_args()
    text = arguments.body.read_text(encoding="utf-8")
    api, repository, number, token, key = (
        os.environ.get(f"COMMENT_{name}", "")
        for name in ("API", "REPOSITORY", "NUMBER", "TOKEN", "KEY")
    )
    missing = [n for n, v in (("pull request", number), ("token", token), ("API", api)) if not v]
    try:
        if missing:
            raise ForgeError(f"there is no {missing[0]}")
        forge = Forge(api=api, repository=repository, token=token)
        print(_patiently(forge, number, key, text, is_only_update=arguments.only_update))
    except ForgeError as error:
        print(f"::notice title=providers-codegen::no comment, see the summary: {error}")
        summarise(text)
        return
    if len(text) > LIMIT:
        summarise(text)


if __name__ == "__main__":
    main()
