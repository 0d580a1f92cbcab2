"""How deep tests search: as deep as every change can wait for, or as `make faults` does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

DEEP = os.environ.get("SYNCD_DEEP") == "1"


def examples(usual: int, deep: int) -> int:
    """How many examples a property is held against."""
    return deep if DEEP else usual


def first_of(parts: Iterable[Any]) -> list[Any]:
    """The parts of a matrix that is dealt out: the first is played by every `make test`, the others by `make faults`."""
    first, *others = parts
    return [first, *(pytest.param(other, marks=pytest.mark.long) for other in others)]
