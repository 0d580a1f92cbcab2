"""The one interface to every product, and the words for what became of a config.

Terminology: a *place* is what holds one config: the app (its bundle identifier) where a variable stands for everybody's
email, or one device (its enrollment id) where each gets the email written out. *Ours* is what we want in it; what else is
there belongs to the admin and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from mdm.errors import MdmError
from mdm.model import Value

Settings: TypeAlias = Mapping[str, Value]


class State(StrEnum):
    """What became of one place."""

    UNCHANGED = "unchanged"
    """It holds everything already."""
    WOULD_SEND = "would send"
    """A dry run: something is different, nothing was sent."""
    ASKED = "asked"
    """The device was asked what it holds, so that no key of the admin's is lost; the config follows its answer."""
    SENT = "sent"
    """Given away, not proven."""
    ACKNOWLEDGED = "acknowledged"
    """Read back, and the same."""
    DIFFERING = "differing"
    """Read back, and not the same."""
    FAILED = "failed"
    """Refused, lost or broken off; the next push tries again."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a place holds."""

    settings: Settings | None = field(default=None, hash=False)
    """Empty: it holds no key. None: it is not known, as with a device that never answered."""
    mark: Any = None
    """What the driver needs to write exactly over this (an id, an ETag); nobody else looks at it."""


class PushError(MdmError):
    """A product refused, did not answer, or answered nonsense. Never tells a secret, nor more of an address than its host."""


class ChangedError(PushError):
    """Somebody else changed the config between our reading and writing it: nothing was written."""


class LostError(PushError):
    """The request may have arrived: its answer did not. Only reading tells."""


class Product(Protocol):
    """A product that takes configs."""

    def get(self, place: str) -> Held:
        """What is there now. Writes nothing, ever.

        Raises:
            PushError: it cannot be told; never an empty config instead.
        """
        ...

    def put(self, place: str, settings: Settings, held: Held) -> None:
        """Replace the whole config.

        May return before a device has it. Doing it twice is the same as once; doing it with what is there already finishes
        what was broken off.

        Args:
            place: as for `get`.
            settings: everything that is to be there, the admin's keys too.
            held: what `get` told, on which `settings` was made.

        Raises:
            ChangedError: the product says that it is not what `held` was.
            LostError: it may have been taken: `get` tells.
            PushError: it was not taken, or not wholly.
        """
        ...
