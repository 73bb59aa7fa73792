"""Writes a manifest as no two people would: the same data, any layout, comments anywhere."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field

import yaml

from codegen.source import Source
from codegen.syntax import Mapping, Node, Scalar, Sequence, compose

# What a hand may do. With none of them it writes block style, two spaces, nothing else.
HABITS = (
    "own-line comments",
    "trailing comments",
    "comments in brackets",
    "comments before values",
    "blank lines",
    "trailing space",
    "tabs",
    "odd indentation",
    "level dashes",
    "values on lines of their own",
    "brackets",
    "lines in brackets",
    "quotes",
    "escapes",
    "broken scalars",
    "block scalars",
    "empty nulls",
    "anchors",
    "explicit keys",
    "document marks",
    "byte order mark",
    "carriage returns",
    "no last line end",
)

_COMMENTS = (
    "# a comment",
    "#close",
    "#",
    "# -----",
    "#------",
    "#!run",
    "## two",
    "#   wide",
    '# it\'s "quoted" [a, b] {c: d}',
    "#- name: acme",
    "# 模型 é #2",
    "#key: |",
)
_PLAIN = re.compile(r"[A-Za-z0-9/.(][A-Za-z0-9 _./()+-]*[A-Za-z0-9_/)]|[A-Za-z]")
_WORDY = re.compile(r"[A-Za-z0-9.,()]+( [A-Za-z0-9.,()]+)+")


def as_read(text: str) -> Source:
    """Return a text as reading its file gives it: a byte order mark is no part of it."""
    return Source(path="manifest.yaml", text=text.encode("utf-8").decode("utf-8-sig"))


def spoken(comment: str) -> str:
    """Return a comment as the page on the manifest says that it is formatted."""
    is_told = re.match(r"#(?:[\s#!]|$)", comment) or not re.search(r"\w", comment)
    return comment if is_told else "# " + comment[1:]


def _bare(node: Node) -> str:
    if isinstance(node, Scalar):
        return json.dumps([node.kind, node.text])
    if isinstance(node, Sequence):
        return f"[{','.join(map(_bare, node.items))}]"
    return f"{{{','.join(_bare(k) + _bare(v) for k, v in node.entries)}}}"


def _is_plain(text: str) -> bool:
    """Tell whether a text is one without quotes, too, wherever it stands."""
    if not _PLAIN.fullmatch(text):
        return False
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return node is not None and node.tag.endswith(":str")


@dataclass
class Hand:
    """Writes from left to right; `comments` are those that it wrote, in order."""

    dice: random.Random
    habits: frozenset[str]
    out: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    anchors: dict[str, str] = field(default_factory=dict)

    def does(self, habit: str, chance: float = 0.3) -> bool:
        return habit in self.habits and self.dice.random() < chance

    def put(self, *parts: str) -> None:
        self.out += parts

    def comment(self) -> None:
        text = self.dice.choice(_COMMENTS)
        self.comments.append(text)
        self.put(text)

    def gap(self) -> str:
        # Where a key might follow, a tab would be an indentation, and YAML has none of tabs.
        if self.out[-1] not in {"-", ":"} and self.does("tabs"):
            return self.dice.choice(["\t", " \t", "\t\t "])
        return " " * (self.dice.randint(1, 5) if self.does("odd indentation") else 1)

    def step(self) -> int:
        return self.dice.randint(1, 7) if self.does("odd indentation", 0.5) else 2

    # the ends of lines

    def end(self, deepest: int = 40, habit: str = "trailing comments") -> None:
        """End a line, perhaps with a comment and with lines that say nothing."""
        if self.does(habit):
            self.put(self.gap())
            self.comment()
        self.newline()
        self.lines(deepest)

    def newline(self) -> None:
        self.put(self.gap() if self.does("trailing space") else "", "\n")

    def blank_line(self, widest: int) -> None:
        width = self.dice.randint(0, min(5, widest)) if self.does("trailing space") else 0
        self.put(" " * width, "\n")

    def lines(self, deepest: int = 40) -> None:
        """Write blank lines and comments on lines of their own, none beyond a column."""
        for _ in range(self.dice.choice([0, 0, 0, 1, 2, 3])):
            if self.does("blank lines"):
                self.blank_line(deepest)
            elif self.does("own-line comments"):
                self.put(" " * self.dice.randint(0, min(self.dice.choice([2, 6, 40]), deepest)))
                self.comment()
                self.newline()

    # nodes

    def document(self, root: Node) -> str:
        self.lines()
        if self.does("document marks"):
            self.put("---")
            self.end()
        self.block(root, self.step() if self.does("odd indentation") else 0)
        if self.does("document marks"):
            self.put("...")
            self.end()
        text = "".join(self.out)
        if self.does("no last line end"):
            text = text[:-1]
        if self.does("carriage returns"):
            text = text.replace("\n", self.dice.choice(["\r\n", "\r"]))
        return "\ufeff" + text if self.does("byte order mark") else text

    def block(self, node: Node, column: int, *, is_begun: bool = False) -> None:
        """Write a collection, an entry a line; `is_begun` says that the column is reached."""
        parts = node.items if isinstance(node, Sequence) else getattr(node, "entries", ())
        for number, part in enumerate(parts):
            if number or not is_begun:
                self.put(" " * column)
            if isinstance(part, tuple):
                self.key(part[0], column)
                self.value(part[1], column, is_item=False)
            else:
                self.put("-")
                self.value(part, column, is_item=True)

    def key(self, key: Scalar, column: int) -> None:
        if self.does("explicit keys", 0.1):
            self.put("?", " ", self.quoted(key.text))
            self.end()
            self.put(" " * column, ":")
            return
        self.put((self.quoted(key.text) if self.does("quotes") else self.word(key)) + ":")

    def value(self, node: Node, column: int, *, is_item: bool) -> None:
        if self.alias(node):
            self.end()
            return
        is_empty = not isinstance(node, Scalar) and not _parts(node)
        if isinstance(node, Scalar):
            self.scalar_value(node, column)
        elif is_empty or self.does("brackets"):
            self.lead(column)
            self.flow(node, column)
            self.end()
        elif is_item and self.dice.random() < 0.7 and not self.is_anchored():
            gap = self.step()
            self.put(" " * gap)
            self.block(node, column + 1 + gap, is_begun=True)
        else:
            self.end(habit="comments before values")
            is_level = isinstance(node, Sequence) and not is_item and self.does("level dashes", 0.6)
            self.block(node, column if is_level else column + self.step())

    def is_anchored(self) -> bool:
        return bool(self.out) and self.out[-1].startswith("&")

    def alias(self, node: Node) -> bool:
        """Write an alias for a value that an anchor names already, or an anchor, or nothing."""
        bare = _bare(node)
        if not self.does("anchors") or len(bare) > 200:
            return False
        if bare in self.anchors:
            self.put(" ", "*" + self.anchors[bare], " ")
            return True
        self.anchors[bare] = f"a{len(self.anchors)}"
        self.put(" ", "&" + self.anchors[bare])
        return False

    def lead(self, column: int) -> None:
        """Write what stands between a colon or a dash and the value."""
        if self.does("values on lines of their own", 0.2):
            self.end(habit="comments before values")
            self.put(" " * (column + self.step()))
        else:
            self.put(" " * self.step())

    # scalars

    def scalar_value(self, node: Scalar, column: int) -> None:
        if node.kind == "str" and self.does("block scalars") and self.is_blockable(node.text):
            self.block_scalar(node.text, column)
            return
        if node.kind == "null" and self.does("empty nulls", 0.5):
            self.end()
            return
        self.lead(column)
        if self.is_broken(node):
            self.broken(node.text, column)
        else:
            self.put(self.word(node))
        self.end()

    def is_blockable(self, text: str) -> bool:
        return (
            bool(text) and all(part.isprintable() for part in text.split("\n")) and text[-1] > " "
        )

    def block_scalar(self, text: str, column: int) -> None:
        """Write a text after a bar; blank lines at its end are no part of it."""
        step = self.step()
        digit = str(step) if text[0] in " \n" or self.dice.random() < 0.3 else ""
        self.put(" ", "|", digit, "-")
        if self.does("trailing comments"):
            self.put(" ")
            self.comment()
        self.put("\n")
        for line in text.split("\n"):
            self.put(" " * (column + step) + line if line else "", "\n")
        self.lines(column)

    def is_broken(self, node: Scalar) -> bool:
        is_text = node.kind == "str" and bool(_WORDY.fullmatch(node.text))
        return is_text and self.does("broken scalars", 0.6)

    def broken(self, text: str, column: int) -> None:
        """Write a text over several lines, which YAML joins by single spaces."""
        quote = self.dice.choice(["'", '"', ""] if _is_plain(text) else ["'", '"'])
        breaks = ["\n", " \n"] if "trailing space" in self.habits else ["\n"]
        if quote == '"':
            breaks += [" \\\n", "\\x20\\\n"]
        *words, last = text.split(" ")
        self.put(quote)
        for word in words:
            self.put(word, self.dice.choice(breaks), " " * (column + self.step()))
        self.put(last, quote)

    def word(self, node: Scalar) -> str:
        if node.kind != "str":
            return node.text
        if _is_plain(node.text) and not self.does("quotes", 0.5):
            return node.text
        return self.quoted(node.text)

    def quoted(self, text: str) -> str:
        if text.isprintable() and self.dice.random() < 0.5:
            return "'" + text.replace("'", "''") + "'"
        return '"' + "".join(map(self.escaped, text)) + '"'

    def escaped(self, letter: str) -> str:
        if letter in '"\\':
            return "\\" + letter
        if letter.isprintable() and not self.does("escapes", 0.1):
            return letter
        if letter == "/" and self.dice.random() < 0.5:
            return "\\/"
        code = ord(letter)
        return (
            f"\\x{code:02x}"
            if code < 256
            else f"\\u{code:04X}" if code < 65536 else f"\\U{code:08x}"
        )

    # brackets

    def flow(self, node: Node, column: int) -> None:
        if isinstance(node, Scalar) and self.is_broken(node):
            self.broken(node.text, column)
            return
        if isinstance(node, Scalar):
            self.put(self.word(node))
            return
        self.put("[" if isinstance(node, Sequence) else "{")
        self.between(column)
        for number, part in enumerate(_parts(node)):
            if number:
                self.put(",")
                self.between(column)
            if isinstance(part, tuple):
                self.put(self.word(part[0]), ":", " ")
                self.between(column)
            value = part[1] if isinstance(part, tuple) else part
            if not self.alias(value):
                self.put(" " if self.is_anchored() else "")
                self.flow(value, column)
            self.between(column)
        if _parts(node) and self.does("lines in brackets", 0.2):
            self.put(",")
            self.between(column)
        self.put("]" if isinstance(node, Sequence) else "}")

    def between(self, column: int) -> None:
        """Write what may stand between two tokens inside of brackets."""
        if self.does("comments in brackets", 0.1):
            self.put(" ")
            self.comment()
            self.put("\n")
            self.lines()
            self.put(" " * (column + self.step()))
        elif self.does("lines in brackets", 0.2):
            self.put("\n", " " * (column + self.step()))
        else:
            self.put(self.dice.choice(["", "", " ", "  "]))


def _parts(node: Node) -> tuple[Node, ...] | tuple[tuple[Scalar, Node], ...]:
    if isinstance(node, Sequence):
        return node.items
    return node.entries if isinstance(node, Mapping) else ()


def written(text: str, seed: int, habits: frozenset[str]) -> tuple[str, list[str]]:
    """Write a manifest anew by hand. Returns the text, and the comments as they were written."""
    root, diagnostics = compose(as_read(text))
    assert root is not None, diagnostics
    hand = Hand(dice=random.Random(seed), habits=habits)
    return hand.document(root), hand.comments
