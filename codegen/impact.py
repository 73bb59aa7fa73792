"""How grave a change is for those who use the registry: what `diff` can be told to fail from."""

from __future__ import annotations

from enum import Enum


class Impact(Enum):
    """What a change does to those who use the registry, the gravest first."""

    BILLING = "billing"
    BREAKING = "breaking"
    COMPATIBLE = "compatible"
    COSMETIC = "cosmetic"

    @property
    def rank(self) -> int:
        """The place in the order, from 0 for the gravest."""
        return _RANKS[self]


_RANKS = {impact: rank for rank, impact in enumerate(Impact)}
