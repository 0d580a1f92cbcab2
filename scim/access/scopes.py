"""What a token may do, and who was let in with it. Pure, and quick to import: the commands about tokens need no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["read", "write", "events"]
"""What a token may do: read people and groups; read and write them; poll for events and nothing else."""

SCOPES: tuple[Scope, ...] = ("read", "write", "events")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who was let in."""

    credential_id: int
    tenant: str
    kind: str
    prefix: str
    scope: Scope
    label: str

    @property
    def resource_id(self) -> str | None:
        """The user that `/Me` stands for (RFC 7644, section 3.11): a token is nobody's."""
        return None
