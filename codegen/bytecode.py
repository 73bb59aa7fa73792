"""Compiled templates, kept as Python keeps its compiled modules and beside them."""

from __future__ import annotations

import hashlib
import marshal
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket

_SIZE = hashlib.sha256().digest_size


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _seal(bucket: Bucket, content: bytes) -> bytes:
    return _digest(bucket.checksum.encode("ascii"), content)


def folder() -> Path | None:
    """Return a folder in that of our own compiled modules, which is trusted exactly as much.

    It is None where this Python keeps no compiled modules.
    """
    try:
        return Path(cache_from_source(__file__)).parent / "templates"
    except NotImplementedError:
        return None


class Bytecode(jinja2.BytecodeCache):
    """What Jinja asks for compiled templates, and gives those that it compiled.

    A file begins with the SHA-256 of all that its content depends on and of the content itself.
    Where that does not fit, because the template, Jinja, Python or `setup` is another, or the
    file is damaged, the template is compiled as if there were none. As with compiled modules, a
    folder that cannot be written is no fault, and `sys.dont_write_bytecode` is obeyed.
    """

    def __init__(self, setup: bytes) -> None:
        """Take what the environment is set up by: other bytes, and all is compiled anew."""
        self._setup = b"\0".join((MAGIC_NUMBER, jinja2.__version__.encode(), setup))
        self._folder = folder()

    def get_bucket(
        self, environment: jinja2.Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        """Return what is kept of a template, which may be nothing."""
        # Tracebacks name the file, so it is in the code as well.
        parts = (self._setup, str(filename).encode("utf-8"), source.encode("utf-8"))
        bucket = Bucket(environment, name, checksum=_digest(*parts).hex())
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket with the code that is kept, if it is whole and of this very template."""
        path = self._path(bucket)
        try:
            data = path.read_bytes() if path is not None else b""
        except OSError:
            return
        content = data[_SIZE:]
        if data[:_SIZE] == _seal(bucket, content):
            bucket.code = marshal.loads(content)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a bucket, written by what writes compiled modules: whole or not."""
        path = self._path(bucket)
        if path is not None and not sys.dont_write_bytecode:
            content = marshal.dumps(bucket.code)
            python = SourceFileLoader(__name__, __file__)
            python.set_data(str(path), _seal(bucket, content) + content)

    def _path(self, bucket: Bucket) -> Path | None:
        name = f"{bucket.key.replace('/', '.')}.{sys.implementation.cache_tag}"
        return None if self._folder is None else self._folder / name
