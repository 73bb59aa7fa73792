"""The spellings of a folded text: walks that know which texts to look out for.

A text of letters has more spellings than could ever be tried. What matters of one is only which of
a few given texts it begins with; so both walks follow these letter by letter, take one form of a
letter for all that lead to the same, and go on without them as soon as none is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from codegen.patterns import forms


def _letters(letter: str) -> tuple[str, ...]:
    """Return the characters that fold to one of a folded text."""
    return forms(letter) if letter.isascii() and letter.isalpha() else (letter,)


def avoiding(done: str, folded: str, texts: Iterable[str]) -> Iterator[str]:
    """Yield spellings of a folded text that begin with what is done, and with none of the texts.

    At each letter a form is taken that no text has; where all forms are taken, the walk branches,
    and each branch has fewer texts to avoid. There is a spelling where there is any such. The
    texts begin with what is done.
    """
    todo = [(done, list(texts))]
    while todo:
        text, avoided = todo.pop()
        at = len(text)
        if any(len(other) <= at for other in avoided):
            continue
        if not avoided or at >= len(folded):
            yield text + folded[at:]
            continue
        for form in reversed(_letters(folded[at])):
            todo.append((text + form, [other for other in avoided if other[at] == form]))


def telling(folded: str, texts: Sequence[str]) -> Iterator[str]:
    """Yield one spelling of a folded text for each set of texts that it can begin with.

    Where no text is alive, or the folded one ends, all further spellings are alike.
    """
    todo = [("", texts)]
    while todo:
        done, live = todo.pop()
        at = len(done)
        alive = [text for text in live if len(text) > at]
        if not alive or at == len(folded):
            yield done + folded[at:]
            continue
        branches = {
            tuple(text for text in alive if text[at] == form): done + form
            for form in reversed(_letters(folded[at]))
        }
        todo.extend((spelt, still) for still, spelt in branches.items())
