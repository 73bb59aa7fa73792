"""Interactive shells at a terminal of their own: type a line, press Tab, read what stands there."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import time
from pathlib import Path
from types import TracebackType

# How each shell begins without anybody's settings, is told to show its line at Ctrl-G, and says
# that it is ready. The quotes keep the echo of the typing from being taken for the answer.
_ARGUMENTS = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}
_SETUP = {
    "bash": r"""bind "set enable-bracketed-paste off"
bind -x '"\C-g": printf "<<%s>>" "$READLINE_LINE"'
eval "$(providers-codegen completion bash)"
stty -echo; echo re''ady
""",
    "zsh": r"""unsetopt prompt_cr prompt_sp; unset zle_bracketed_paste
autoload -Uz compinit; compinit -D -u
show() { print -rn -- "<<$BUFFER>>" }; zle -N show; bindkey '^G' show
eval "$(providers-codegen completion zsh)"
echo re''ady
""",
}
_SECONDS = 30


def shell(name: str) -> str | None:
    """Return where a shell is on this machine, or None."""
    return shutil.which(name)


class Terminal:
    """A shell that completes `providers-codegen`, in a folder, with a folder of commands."""

    def __init__(self, name: str, folder: Path, commands: Path) -> None:
        self._shown = ""
        environment = {
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "PS1": "$ ",
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        } | {key: os.environ[key] for key in ("FPATH", "MODULE_PATH") if key in os.environ}
        path = shell(name)
        assert path is not None
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.execve(path, [name, *_ARGUMENTS[name]], environment)
        self._type(_SETUP[name])
        self._read_until("ready")

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def _type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _read_until(self, needle: str) -> str:
        end = time.monotonic() + _SECONDS
        while needle not in self._shown:
            ready, _, _ = select.select([self._terminal], [], [], max(0, end - time.monotonic()))
            assert ready, f"no {needle!r} in {self._shown!r}"
            self._shown += os.read(self._terminal, 65536).decode("utf-8", "replace")
        shown, _, self._shown = self._shown.partition(needle)
        return shown

    def completed(self, typed: str) -> str:
        """Type a line, press Tab, and return the line that stands there then."""
        self._type(f"{typed}\t\x07")
        shown = self._read_until(">>")
        self._type("\x15")
        return re.split("<<", shown)[-1]
