"""Between Fluix ids (texts) and the numbers of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST = 2**31 - 1


def as_number(fluix_id: str | None) -> int | None:
    """The number of an id as this account writes it; None for any other text, which then names nobody."""
    if fluix_id is None or not (fluix_id.isascii() and fluix_id.isdigit()) or fluix_id.startswith("0"):
        return None
    number = int(fluix_id) if len(fluix_id) <= len(str(LARGEST)) else LARGEST + 1
    return number if number <= LARGEST else None


def as_numbers(fluix_ids: Iterable[str | None]) -> list[int]:
    """Every different number among the ids, in order of first appearance; texts that are no ids are left out."""
    return list(dict.fromkeys(number for fluix_id in fluix_ids if (number := as_number(fluix_id)) is not None))
