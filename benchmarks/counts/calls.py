"""Runs a command of the compiler, and prints how many functions it called, of C too."""

from __future__ import annotations

import contextlib
import io
import sys
from types import FrameType

if __name__ == "__main__":
    called = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        global called  # noqa: PLW0603 - a profile function has no other place
        called += event in {"call", "c_call"}

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        sys.setprofile(profile)
        from codegen.__main__ import run

        try:
            run()
        except SystemExit as end:
            sys.setprofile(None)
            if end.code:
                sys.exit(end.code)
        sys.setprofile(None)
    print(called)
