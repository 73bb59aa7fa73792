"""Where a vendored file comes from, as a value: a folder, a revision of git, or a URL."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from codegen.frozen import frozen


@frozen
class Folder:
    """A file of a folder. A relative folder is relative to the folder of the lock."""

    folder: str
    file: str

    def __str__(self) -> str:
        """Return the path of the file."""
        return f"{self.folder}/{self.file}"


@frozen
class Git:
    """A file at a revision of a local repository, whose folder is as that of `Folder`."""

    repository: str
    revision: str
    file: str

    def __str__(self) -> str:
        """Return the path of the file, and the revision."""
        return f"{self.repository}/{self.file} at {self.revision}"


@frozen
class Url:
    """A file that a server sends; `token_env` names the variable with the token it asks for."""

    url: str
    token_env: str | None

    def __str__(self) -> str:
        """Return the URL."""
        return self.url


Origin = Folder | Git | Url


def plain(origin: Origin) -> dict[str, str | None]:
    """Return an origin as plain data; its first key tells its kind."""
    if isinstance(origin, Url):
        return {"url": origin.url, "token_env": origin.token_env}
    if isinstance(origin, Git):
        return {"git": origin.repository, "revision": origin.revision, "file": origin.file}
    return {"folder": origin.folder, "file": origin.file}


class OriginError(Exception):
    """What cannot be an origin. `message` is a clause, `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep both parts for the report."""
        super().__init__(message)
        self.message = message
        self.hint = hint


# What has a meaning of its own on some system, or that a reader cannot see.
_NO_PATH = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]')


def check_path(path: str) -> None:
    """Raise `OriginError` for a path that could lead out of the folder that it is below.

    Nothing is vendored into the folder of git either: what stands there is executed.
    """
    hint = "write a path like vendor/registry.json, with slashes"
    parts = path.split("/")
    if not path or path.startswith("/") or {"", ".", ".."} & set(parts):
        raise OriginError(f"{path!r} is no path below the folder", hint)
    if _NO_PATH.search(path) or any(re.search("^ |[ .]$", part) for part in parts):
        raise OriginError(f"{path!r} is no path on every system", hint)
    if any(part.lower() == ".git" for part in parts):
        raise OriginError(f"{path!r} is inside of the folder of git", hint)


# The names under which services take a token in a query.
_SECRETS = re.compile(
    r"(?i)(.*[_-])?(token|key|apikey|secret|password|passwd|pwd|sig|signature|credential|auth)"
)
_PLAIN = re.compile(r"[\x21-\x7e]+")


def check_url(url: str) -> None:
    """Raise `OriginError` for what is no HTTPS URL, and for one that carries a secret.

    The message does not repeat a URL with a secret, and no message repeats a user or a password.
    """
    hint = "write a URL like https://git.example/registry/raw/main/registry.json"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError as error:
        raise OriginError("that is no URL", hint) from error
    if not _PLAIN.fullmatch(url):
        raise OriginError("a URL has neither blanks nor letters beyond ASCII", "write them as %XX")
    if parts.scheme != "https":
        raise OriginError("only https:// URLs are read", "write https://")
    token = "name the variable that holds the token with --token-env"
    if parts.username is not None or parts.password is not None:
        raise OriginError("a URL with a user or a password would be written into the lock", token)
    if any(_SECRETS.fullmatch(name) for name, _ in parse_qsl(parts.query, True)):
        raise OriginError("a URL with a token in it would be written into the lock", token)
    if not parts.hostname or parts.fragment:
        raise OriginError("that is no URL of a file", hint)


_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


def check_token_env(name: str) -> None:
    """Raise `OriginError` for what is no name of a variable, without repeating it: a token."""
    if not _VARIABLE.fullmatch(name):
        message = "that is no name of a variable, which has capitals, digits and underscores alone"
        raise OriginError(message, "write a name such as REGISTRY_TOKEN, and not the token")


def _check_word(word: str, what: str, hint: str) -> None:
    if not word or re.search(r"[\x00-\x1f\x7f]", word):
        raise OriginError(f"{word!r} is no {what}", hint)


_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[\w.-]+@[\w.-]+:")


def check(origin: Origin) -> None:
    """Raise `OriginError` for an origin that cannot be read, or must not be written down."""
    if isinstance(origin, Url):
        check_url(origin.url)
        if origin.token_env is not None:
            check_token_env(origin.token_env)
        return
    check_path(origin.file)
    if isinstance(origin, Git):
        _check_word(origin.repository, "path", "name the folder of a repository")
        _check_word(origin.revision, "revision", "name a revision, such as main or v1.2")
    else:
        _check_word(origin.folder, "path", "name a folder")


def _below(url: str, file: str) -> str:
    """Return the URL of a file below another URL; a query stays.

    >>> _below("https://git.example/raw/?ref=main", "a b.json")
    'https://git.example/raw/a%20b.json?ref=main'
    """
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{quote(file)}"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def is_path(where: str) -> bool:
    """Tell whether a place is a path of this machine, and neither a URL nor another machine."""
    return not _REMOTE.match(where)


def named(where: str, file: str, revision: str | None, token_env: str | None) -> Origin:
    """Return the origin that a user names: a place, a file in it, and what belongs to the place.

    An `https://` URL is a server; with a revision a path is a repository, else a folder.
    Raises `OriginError` for everything that `check` does, and for what does not go together.
    """
    check_path(file)
    if where.lower().startswith("https://"):
        check_url(where)
        if revision is not None:
            hint = "put the revision into the URL, as the server spells it"
            raise OriginError("a URL takes no --revision", hint)
        return _checked(Url(url=_below(where, file), token_env=token_env))
    if token_env is not None:
        raise OriginError("only a URL takes --token-env", "remove it, or name a URL with --from")
    if where.lower().startswith("http://"):
        raise OriginError("http:// is not read: anybody on the way could change it", "use https://")
    if not is_path(where):
        hint = "clone it and name the clone, or name the https:// URL of its files"
        raise OriginError("a repository of another machine is not read", hint)
    if revision is not None:
        return _checked(Git(repository=where, revision=revision, file=file))
    return _checked(Folder(folder=where, file=file))


def _checked(origin: Origin) -> Origin:
    check(origin)
    return origin
