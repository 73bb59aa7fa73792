"""Sets of ids that prefixes describe: what begins with a text, minus what begins with others."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.patterns import fold
from codegen.routing import trim


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stem:
    """The ids that begin with a text, or are it where `is_exact`.

    The first `as_written` characters are compared as they are, the others in any case: those
    are folded already.
    """

    text: str
    as_written: int
    is_exact: bool = False

    def holds(self, model: str) -> bool:
        """Tell whether a trimmed id is one of these."""
        if self.is_exact and len(model) != len(self.text):
            return False
        head, rest = self.text[: self.as_written], self.text[self.as_written :]
        tail = model[self.as_written : len(self.text)]
        return model.startswith(head) and len(tail) == len(rest) and fold(tail) == rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The ids of a stem, but for those of the stems in `without`, and but for those in `apart`.

    `apart` are ids that some menu lists or withdraws: a list decides them, not a pattern.
    `witness` is an id of the region, one that the manifests name where they name any.
    """

    stem: Stem
    without: tuple[Stem, ...] = ()
    apart: tuple[str, ...] = ()
    witness: str

    def holds(self, model: str) -> bool:
        """Tell whether a request for this id asks for an id of the region."""
        trimmed = trim(model)
        if not trimmed or not self.stem.holds(trimmed) or trimmed in self.apart:
            return False
        return not any(stem.holds(trimmed) for stem in self.without)

    @property
    def is_single(self) -> bool:
        """Whether the region is one id, written in one way."""
        return self.stem.is_exact and self.stem.as_written == len(self.stem.text)


def single(model: str) -> Region:
    """Return the region of one id."""
    return Region(stem=Stem(text=model, as_written=len(model), is_exact=True), witness=model)


def everything(witness: str) -> Region:
    """Return the region of all ids."""
    return Region(stem=Stem(text="", as_written=0), witness=witness)
