"""Why a change is made. A plan keeps it as an English sentence; here the commonest are told in the language of who reads."""

from __future__ import annotations

from typing import Final

from syncd.sayings import Said
from syncd.web.forms import Forms

REASONS: Final = Forms(
    Said("the directory names it"),
    Said("taken out in Fluix by hand"),
    Said("changed in Fluix by hand"),
    Said("the account of %(record)s was deleted in Fluix by hand"),
    Said("%(new)s has the address of %(old)s, which asks for no account any more"),
    Said("%(record)s was renamed in its source"),
    Said("%(record)s is gone from its source"),
    Said("%(record)s is in %(group)s no longer"),
    Said("%(names)s changed in Fluix by hand"),
    Said("%(record)s changed"),
    Said("%(record)s is new"),
    Said("%(record)s is in %(group)s"),
    between="; ",
)
"""As `core.diff` writes them."""
reason = REASONS.told
