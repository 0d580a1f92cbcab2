"""Who keeps calling with wrong credentials is answered later and later: counted for each address, in the worker's memory.

What slows guessing down is here the size of a token; this keeps a mistaken or hostile client from costing anything. A valid
token always passes, from whatever address, so that nobody can lock an identity provider out. Each worker counts by itself: an
address has as many free mistakes as there are workers times `FREE`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FREE: Final = 5
"""So many mistakes are answered at once."""

_LONGEST = timedelta(minutes=5)
_FORGOTTEN = timedelta(minutes=15)
_MOST = 10_000
_STEEPEST = 10


@dataclass(slots=True)
class _Record:
    failures: int
    last: datetime
    until: datetime
    unheard: int = 0


class Guard:
    """The addresses that failed lately."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._lock = threading.Lock()

    def waits(self, address: str, now: datetime) -> float:
        """For how many seconds calls from this address that have no valid token are not looked at; 0: they are."""
        with self._lock:
            record = self._records.get(address)
            if record is None or now >= record.until:
                return 0.0
            record.unheard += 1
            return (record.until - now).total_seconds()

    def failed(self, address: str, now: datetime) -> tuple[int, int]:
        """Count a failure.

        Returns:
            How many there were, and how many calls were not looked at since the last one.
        """
        with self._lock:
            record = self._records.pop(address, None)
            if record is None or now - record.last > _FORGOTTEN:
                record = _Record(0, now, now)
            unheard, record.unheard = record.unheard, 0
            record.failures += 1
            record.last = now
            over = record.failures - FREE
            record.until = now + min(timedelta(seconds=2 ** min(over, _STEEPEST)), _LONGEST) if over > 0 else now
            self._records[address] = record
            while len(self._records) > _MOST:
                self._records.popitem(last=False)
            return record.failures, unheard

    def passed(self, address: str) -> None:
        """A valid token came from this address: its mistakes are forgotten."""
        if address in self._records:
            with self._lock:
                self._records.pop(address, None)
