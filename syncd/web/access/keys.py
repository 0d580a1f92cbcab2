"""Random keys of 256 bits, and what is kept of them.

Nobody can try so many, so that their hash needs no salt and no slow function.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

_BYTES: Final = 32


def new_key() -> str:
    """A key that nobody can guess, as it stands in a cookie or an address."""
    return secrets.token_urlsafe(_BYTES)


def digest(key: str) -> str:
    """What is kept of a key: SHA-256, in hex. Looking it up tells nothing about the keys beside it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
