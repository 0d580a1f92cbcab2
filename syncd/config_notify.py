"""Who is told what, by the program itself: the section `notifications`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field

from syncd.config_file import Located
from syncd.config_values import NOT_EMPTY, Name, Text
from syncd.secrets import Secret

EventName = Literal["held", "failed_run", "quarantine", "ledger_day_25", "invitation_bounced", "alert", "weekly_digest"]
EVENTS: tuple[EventName, ...] = get_args(EventName)


class NotificationConfig(Located):
    """One receiver."""

    name: Name = Field(description="What the receiver is called in lists and logs; its address is never shown.")
    to: Secret = Field(
        description="Where its address is kept, as apprise writes it (`mailto://user:password@smtp.example.com?to=it@example.com`"
        ", `slack://…`, `json://…`): it holds passwords, and so is a secret.",
    )
    events: Annotated[tuple[EventName, ...], Field(strict=False), NOT_EMPTY] = Field(
        default=tuple(event for event in EVENTS if event != "weekly_digest"),
        description="What it is told: held, failed_run, quarantine, ledger_day_25, invitation_bounced, alert, weekly_digest.",
    )
    personal: Literal["names", "counts"] = Field(
        default="counts",
        description="`names` tells who it is about; `counts` only how many, and of errors no addresses.",
    )
    templates: Text | None = Field(
        default=None,
        description="A folder whose templates stand in for ours, by the event's name (`held.txt`): the first line is the title.",
    )
    per_hour: int = Field(
        default=10, ge=1, le=1000, description="Messages an hour at most; what is more comes together in one."
    )
    timeout_seconds: float = Field(default=20, gt=0, le=300, description="How long one message may take altogether.")
    give_up_hours: float = Field(
        default=72,
        gt=0,
        le=720,
        description="How long a message is tried, later each time, before it counts as failed.",
    )

    @property
    def templates_folder(self) -> Path | None:
        """The folder, absolute."""
        return self._base / self.templates if self.templates else None
