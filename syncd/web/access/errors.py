"""What goes wrong at the doors.

OidcError             the identity provider cannot be reached, or is set up otherwise than we are
└── NotBelievedError  what it says, or what a browser brings from it, is refused
    └── NoRoleError   it vouches for somebody who may do nothing here
TooManyError          an address tried too often
"""

from __future__ import annotations

from syncd.errors import SyncdError


class OidcError(SyncdError):
    """The identity provider does not vouch for anybody, or says what cannot be true."""


class NotBelievedError(OidcError):
    """What it says, or what a browser brings from it, is refused."""


class NoRoleError(NotBelievedError):
    """It vouches for somebody who may do nothing here."""


class TooManyError(Exception):
    """This address tried too often.

    Args:
        wait: seconds until it is listened to again.
    """

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait
