"""The daemon's part of the configuration: when it runs by itself, and where it answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import Field, field_validator, model_validator

from syncd.config_file import Section, faults
from syncd.config_values import matches

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger


class ScheduleConfig(Section):
    """When the daemon runs by itself: `cron` or `every`, one of them."""

    cron: Annotated[str, matches(r"\S+( +\S+){4}", "a cron line: five fields, as */30 * * * *")] | None = Field(
        default=None,
        description="A cron line of five fields (minute, hour, day, month, weekday).",
    )
    every: Annotated[str, matches(r"[1-9][0-9]{0,5}[smh]", "a duration: a number and s, m or h, as 5m")] = Field(
        default="5m",
        description="The time between two runs: a number and s, m or h (`2s`, `5m`, `1h`).",
    )

    @field_validator("cron")
    @classmethod
    def _happens(cls, line: str | None) -> str | None:
        if line is not None:
            try:
                happens = _cron(line).get_next_fire_time(None, datetime.now(UTC))
            except ValueError as error:
                raise faults(f"is no cron line: {error}") from None
            if happens is None:
                raise faults("never happens: there is no such day")
        return line

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        if self.cron is not None and "every" in self.model_fields_set:
            raise faults("give one of `cron` and `every`")
        return self

    def wait(self, now: datetime) -> float:
        """Seconds until the next run is due."""
        if self.cron is not None:
            due = _cron(self.cron).get_next_fire_time(None, now)
            return max((due - now).total_seconds(), 0.0) if due else float("inf")
        return timedelta(**{_UNITS[self.every[-1]]: int(self.every[:-1])}).total_seconds()


def _cron(line: str) -> CronTrigger:
    """Days of the week are cron's (0 and 7 are Sunday), the times those of the machine's zone."""
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - only where there is such a line

    return CronTrigger.from_crontab(line)


HOST: Final = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
"""A host as it stands in an address, without a port."""


class ServeConfig(Section):
    """The daemon's HTTP side."""

    listen: Annotated[str, matches(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):[0-9]{1,5}", "HOST:PORT, as 127.0.0.1:8480")] = (
        Field(
            default="127.0.0.1:8480",
            description="Address and port to listen on. 127.0.0.1 is reachable from this machine only.",
        )
    )
    hosts: Annotated[
        tuple[Annotated[str, matches(HOST, "a host name, as sync.example.com")], ...], Field(strict=False)
    ] = Field(
        default=(),
        description="The names under which browsers and programs reach the console. Without them those that `listen` "
        "speaks of: this machine, and addresses in numbers where it listens on all of them.",
    )
    workers: int = Field(default=2, ge=1, le=64, description="Processes that answer.")
    threads: int = Field(default=4, ge=1, le=256, description="Threads of each of them: so many requests at a time.")
