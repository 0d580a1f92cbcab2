"""The audit as a table, and what walking its chain came to: for the command and the console. The JSON keys are an interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from syncd.store.audit import Walk

COLUMNS: Final = ("place", "at", "actor", "action", "subject", "detail", "salt", "seal", "hash")


def cells(row: Mapping[str, Any]) -> list[str]:
    """One row for a spreadsheet."""
    found = (
        (row[name] if name != "detail" or row[name] is None else orjson.dumps(row[name]).decode()) for name in COLUMNS
    )
    return ["" if cell is None else str(cell) for cell in found]


def walk_document(found: Walk) -> dict[str, Any]:
    """`audit verify --json`."""
    return {
        "rows": found.rows,
        "whole": found.first_broken is None,
        "first_broken": found.first_broken,
        "erased": found.erased,
        "begins": found.begins,
        "head": str(found.head),
        "marked": found.marked,
    }
