"""One tenant: whose people an identity provider pushes, and how it wants to be answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "/scim/v2"
"""Below it the tenants are."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of the service provider, at /scim/v2/<name>."""

    name: str
    dialect: str = "generic"
    deletes: Literal["stage", "refuse"] = "stage"
    """`stage` accepts each DELETE and leaves the account to the engine; `refuse` answers 409 where there is a reason."""
    user_patch_answer: Literal["resource", "nothing"] = "resource"
    """200 with the resource, or 204 (RFC 7644 §3.5.2)."""
    group_patch_answer: Literal["resource", "nothing", "small"] = "small"
    """`small`: 200 with the group as long as it has few members, else 204, so that the cost does not grow with the group."""
    unknown_members: Literal["ignore", "refuse"] = "ignore"
    """What becomes of a member that is no user or group here."""

    @property
    def refuses_unknown(self) -> bool:
        """Whether such a member makes the whole request fail."""
        return self.unknown_members == "refuse"


Tenants = Callable[[str], Tenant | None]
"""Finds a tenant by its name."""
