"""What a shell offers when somebody presses Tab: names from the manifest at hand, and scripts.

Give a parameter one of the types below, and its values are completed: `RUNTIME`, `MODEL`,
`PROVIDER`, `AUTH_ENV`, `RULE`, `TARGET`, `FILE` and `FOLDER`. They convert nothing and refuse
nothing.

    @click.argument("runtime", metavar="RUNTIME", type=completion.RUNTIME)
    @click.argument("model", metavar="MODEL", type=completion.MODEL)

`MODEL` offers the ids of the runtime in the parameter `runtime` of the same command, whether an
argument or an option, where that was typed before; else those of all runtimes. The manifest is
the one that `--manifest`, `--overlay` and the settings name. Of one that is broken, what can be
read is offered. Nothing here prints or complains, whatever state the manifest is in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import (
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from codegen.config import resolve
from codegen.inputs import InputError
from codegen.ir import Registry, Runtime
from codegen.quote import without_hidden
from codegen.rules import RULES
from codegen.targets import TARGETS

if TYPE_CHECKING:
    _Text = click.ParamType[str]
else:
    _Text = click.ParamType  # generic since click 8.4 only

PROGRAM = "providers-codegen"
# What the scripts set, so that the program answers instead of working.
VARIABLE = "_PROVIDERS_CODEGEN_COMPLETE"

# A value and what is said beside it.
Offers = Iterator[tuple[str, str]]
Parameters = Mapping[str, Any]


def _sketch(given: Parameters) -> Registry | None:
    """Return the manifest at hand in any state, or None where nothing of it can be read."""
    from codegen import pipeline  # noqa: PLC0415 - the stages are heavy, and rules do without

    try:
        overlays = tuple(given.get("overlays") or ())
        flags = {"manifest": given.get("manifest"), "overlays": overlays}
        options = resolve(flags, Path.cwd())
    except (InputError, OSError):
        return None
    return pipeline.load(options.manifest, overlays=options.overlays).sketch


# what there is to offer


def runtimes(registry: Registry, _: Parameters) -> Offers:
    """Offer the runtimes, with how many arms each has."""
    for runtime in registry.runtimes:
        yield runtime.name, f"{len(runtime.arms)} arms"


def providers(registry: Registry, _: Parameters) -> Offers:
    """Offer the providers, with the names that people read."""
    for provider in registry.providers:
        yield provider.name, provider.display_name


def auth_envs(registry: Registry, _: Parameters) -> Offers:
    """Offer the names of variables that hold credentials."""
    for name in registry.credential_env_names():
        yield name, ""


def _models_of(registry: Registry, runtime: Runtime) -> Offers:
    for arm in runtime.arms:
        for model in arm.models:
            yield model, f"listed by {arm.provider}"
    for arm, provider in registry.arms(runtime):
        for model in provider.examples:
            yield model, f"an example of {arm.provider}"


def models(registry: Registry, given: Parameters) -> Offers:
    """Offer the ids that arms list, and then examples of their providers."""
    named = registry.runtime(str(given.get("runtime") or ""))
    for runtime in (named,) if named is not None else registry.runtimes:
        yield from _models_of(registry, runtime)


def _rules() -> Offers:
    for rule in RULES:
        yield rule.code, rule.name
        yield rule.name, rule.code


# the types of parameters


def _items(offers: Offers, incomplete: str) -> list[CompletionItem[str]]:
    """Return what begins as typed, each value once; what a terminal cannot show is left out."""
    fitting = {value: said for value, said in reversed(list(offers)) if value.isprintable()}
    return [
        CompletionItem(value, help=without_hidden(said, " ") or None)
        for value, said in reversed(fitting.items())
        if value and value.startswith(incomplete)
    ]


class FromManifest(_Text):
    """A value that the manifest at hand names."""

    def __init__(self, name: str, offers: Callable[[Registry, Parameters], Offers]) -> None:
        """Take the name of the type, and what it offers from a manifest."""
        self.name = name
        self._offers = offers

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return the values that begin as typed, in the order of the manifest."""
        registry = _sketch(ctx.params)
        return [] if registry is None else _items(self._offers(registry, ctx.params), incomplete)


class FromRules(_Text):
    """The code of a rule; its name, where somebody began to type that."""

    name = "code"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return the codes, or the codes and names that begin as typed."""
        items = _items(_rules(), incomplete)
        return items if incomplete else [item for item in items if item.value.isupper()]


class FromTargets(_Text):
    """The name of a target: a built-in one, or that of a pack at hand."""

    name = "name"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return the names that begin as typed; of packs that cannot be read there are none."""
        try:
            flags = {"target-packs": tuple(ctx.params.get("target_packs") or ())}
            known = resolve(flags, Path.cwd(), targets=()).targets
        except (InputError, OSError):
            known = tuple(TARGETS)
        return _items(((name, "") for name in known), incomplete)


class OnDisk(_Text):
    """A path, which the shell itself completes."""

    def __init__(self, name: str, kind: str) -> None:
        """Take the name of the type, and what click calls the kind of path."""
        self.name = name
        self._kind = kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Return the one item that tells the shell to look for itself."""
        return [CompletionItem(incomplete, type=self._kind)]


RUNTIME = FromManifest("runtime", runtimes)
MODEL = FromManifest("model", models)
PROVIDER = FromManifest("provider", providers)
AUTH_ENV = FromManifest("name", auth_envs)
RULE = FromRules()
TARGET = FromTargets()
FILE = OnDisk("file", "file")
FOLDER = OnDisk("dir", "dir")


# the shells

# Bash cuts the line at every character of COMP_WORDBREAKS, `:` and `=` among them, and replaces
# what follows the last one. So the program gets the whole line, and what bash will replace.
_BASH = """\
# Completion of %(prog_name)s for bash 4.4 or newer.
%(complete_func)s() {
    local kind reply
    {
        IFS= read -r kind
        mapfile -t reply
    } < <(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT COMP_REPLACED=$2 \\
        %(complete_var)s=bash_complete "${1/#\\~/$HOME}" 2>/dev/null)
    COMPREPLY=()
    case $kind in
        file) compopt -o default ;;
        dir) compopt -o dirnames ;;
        plain) COMPREPLY=("${reply[@]}") ;;
    esac
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

# What bash takes as it is, outside of quotes.
_NOT_PLAIN = re.compile(r"[^\w@%+=:,./~^-]")
# A character that nobody types, to see where the last word ends.
_END = "\ue000"


def _replaced(text: str) -> str:
    """Return what bash will replace, as the text that it stands for."""
    words = split_arg_string(text + _END)
    return words[-1].removesuffix(_END) if words else ""


def _value(word: str) -> str:
    """Return the value in a word that may be `--option=value`."""
    is_option = word.startswith("--") and "=" in word
    return word.partition("=")[2] if is_option else word


def _inserted(value: str, typed: str) -> str:
    """Return what is to stand where bash takes the end of the line away."""
    text = os.environ["COMP_REPLACED"]
    replaced = _replaced(text)
    before = replaced[: max(0, len(replaced) - len(typed))]
    rest = before + value[max(0, len(typed) - len(replaced)) :]
    return rest if text[:1] in ("'", '"') else _NOT_PLAIN.sub(r"\\\g<0>", rest)


@add_completion_class
class Bash(ShellComplete):
    """Bash, with values that contain `:` and `=` completed as a whole."""

    name = "bash"
    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, and the last of them as far as it goes."""
        line = os.environ["COMP_LINE"][: int(os.environ["COMP_POINT"])]
        *words, last = split_arg_string(line + _END)
        return words[1:], last.removesuffix(_END)

    def complete(self) -> str:
        """Return the kind of the values on a line, and each value as bash is to insert it."""
        args, incomplete = self.get_completion_args()
        items = self.get_completions(args, incomplete)
        kinds = {item.type for item in items} or {"plain"}
        typed = _value(incomplete)
        values = (_inserted(item.value, typed) for item in items if item.type == "plain")
        return "\n".join([kinds.pop(), *values])

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return the value; `complete` says the rest."""
        return item.value


# Zsh replaces the whole word, and fish takes nothing that does not begin with it. So both put
# the option of a word `--option=value` before what was found.
_ZSH = """\
#compdef %(prog_name)s
# Completion of %(prog_name)s for zsh.
%(complete_func)s() {
    local kind value said
    local -a reply bare described
    reply=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \\
        %(complete_var)s=zsh_complete ${~words[1]} 2>/dev/null)}")
    compset -P '--[^=]#='
    for kind value said in "${reply[@]}"; do
        case $kind in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain) [[ $said == _ ]] && bare+=("$value") || described+=("$value:$said") ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described
    (( $#bare )) && compadd -V unsorted -a bare
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
# Completion of %(prog_name)s for fish.
function %(complete_func)s
    set -l word (commandline --current-token --cut-at-cursor)
    set -l option (string match --regex -- '^--[^=]*=' $word; or echo)
    set -l line (commandline --current-process --cut-at-cursor | string collect)
    set -l program (commandline --tokenize --current-process)[1]
    for item in (COMP_WORDS=$line COMP_CWORD=$word %(complete_var)s=fish_complete \\
            $program 2>/dev/null)
        set -l parts (string split --max 1 -- , $item)
        switch $parts[1]
            case dir
                for path in (__fish_complete_directories $parts[2])
                    echo $option$path
                end
            case file
                for path in (__fish_complete_path $parts[2])
                    echo $option$path
                end
            case plain
                echo $option$parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


@add_completion_class
class Zsh(ZshComplete):
    """Zsh, with the value of `--option=value` completed as well."""

    source_template = _ZSH

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return the three lines of a value; where something is said, a colon ends the value."""
        value = item.value.replace(":", r"\:") if item.help else item.value
        return f"{item.type}\n{value}\n{item.help or '_'}"


@add_completion_class
class Fish(FishComplete):
    """Fish, with the value of `--option=value` completed as well."""

    source_template = _FISH


SHELLS = ("bash", "zsh", "fish")
_CLASSES: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def script(shell: str) -> str:
    """Return the script that teaches a shell of `SHELLS` to complete the program."""
    return _CLASSES[shell](click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source()


def answer(program: click.Command, instruction: str) -> str | None:
    """Return what the program is to print for a script; None where no shell asks like that.

    `instruction` is the value of `VARIABLE`. A line that cannot be completed has no values.
    """
    shell, _, verb = instruction.partition("_")
    made = get_completion_class(shell)
    if made is None or verb != "complete":
        return None
    try:
        return made(program, {}, PROGRAM, VARIABLE).complete()
    except (click.ClickException, LookupError, ValueError):
        return ""
