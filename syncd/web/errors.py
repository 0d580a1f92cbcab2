"""What the console's deeds refuse with. Knows no HTTP: the command line and the daemon's supervisor raise these as well."""

from __future__ import annotations

from syncd.errors import SyncdError


class NotFoundError(SyncdError):
    """There is no such thing as the address names."""


class RefusedError(SyncdError):
    """It may not be done, as things are: it was decided meanwhile, or safety speaks against it."""
