"""The daemon's part of the configuration: when it runs by itself, where it answers, and what it raises an alarm about."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator, model_validator

from syncd.config_file import Located, Section, faults, shorten
from syncd.config_values import Name, Text, matches
from syncd.secrets import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from apscheduler.triggers.cron import CronTrigger

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}
_SPAN = r"[1-9][0-9]{0,5}[smh]"


def span(text: str) -> timedelta:
    """The duration that is written so: `2s`, `5m`, `1h`."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder, what leads out of the folder, what is not there
        raise faults(f'"{shorten(name)}" is no time zone: write an IANA name, as Europe/Berlin') from None
    return name


class ScheduleConfig(Section):
    """When the daemon runs by itself: `cron` or `every`, one of them."""

    cron: Annotated[str, matches(r"\S+( +\S+){4}", "a cron line: five fields, as */30 * * * *")] | None = Field(
        default=None,
        description="A cron line of five fields (minute, hour, day, month, weekday).",
    )
    every: Annotated[str, matches(_SPAN, "a duration: a number and s, m or h, as 5m")] = Field(
        default="5m",
        description="The time between two runs: a number and s, m or h (`2s`, `5m`, `1h`). Counted from when a run was due, "
        "not from when it ended.",
    )
    jitter: Annotated[str, matches(_SPAN, "a duration: a number and s, m or h, as 30s")] | None = Field(
        default=None,
        description="Begin each run by chance up to so much later, so that not everything begins at once.",
    )
    time_zone: Annotated[str, AfterValidator(_zone)] | None = Field(
        default=None,
        description="In which time zone `cron` and `quiet_hours` are meant: an IANA name, as Europe/Berlin. Without it the "
        "machine's.",
    )
    quiet_hours: (
        Annotated[
            str,
            matches(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]", "two times of day, as 22:00-06:00"),
        ]
        | None
    ) = Field(
        default=None,
        description="A part of the day in which nothing begins by itself: a run that is due then begins once, when it ends. "
        "What somebody asks for, or a source announces, is done all the same.",
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
    def _goes_together(self) -> Self:
        if self.cron is not None and "every" in self.model_fields_set:
            raise faults("give one of `cron` and `every`")
        if self.jitter and self.cron is None and span(self.jitter) >= span(self.every):
            raise faults("`jitter` is not shorter than `every`: give less")
        if self.quiet is not None and self.quiet[0] == self.quiet[1]:
            raise faults("`quiet_hours` end when they begin: give two times")
        return self

    @property
    def quiet(self) -> tuple[time, time] | None:
        """From when to when nothing begins."""
        if self.quiet_hours is None:
            return None
        begin, _, end = self.quiet_hours.partition("-")
        return time.fromisoformat(begin), time.fromisoformat(end)


OWN_SCHEDULE: Final = (
    "When the daemon reads this source by itself, alone. Without it, it is read with the others, as the `schedule` of the "
    "whole says."
)


def _cron(line: str) -> CronTrigger:
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - only where there is such a line

    return CronTrigger.from_crontab(line)


class WebhookConfig(Section):
    """Who may ask for a run of one source by a signed call."""

    source: Name = Field(description="The source that is read, and the last part of the path: POST /hooks/run/NAME.")
    secret: Secret = Field(description="What the caller signs with (HMAC-SHA256); known to the two of you only.")


class TlsConfig(Located):
    """HTTPS by a certificate in files; they are read again with SIGHUP."""

    certificate: Text = Field(
        description="File with the certificate and those between it and its authority (PEM), relative to the configuration."
    )
    key: Text = Field(description="File with its private key (PEM, without a password).")

    @property
    def files(self) -> tuple[Path, Path]:
        """Certificate and key."""
        return self._base / self.certificate, self._base / self.key


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise faults(f'"{shorten(text)}" is no address and no network: {error}') from None
    return text


class MetricsConfig(Section):
    """Who may read `/metrics`."""

    allow: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], Field(strict=False)] = Field(
        default=("127.0.0.0/8", "::1"),
        description="Addresses and networks that may read it. Through a proxy that nobody trusts it takes the token, whoever "
        "asks.",
    )
    token: Secret | None = Field(
        default=None, description="Whoever sends it (`Authorization: Bearer …`) may read it, from wherever."
    )


HOST: Final = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
"""A host as it stands in an address, without a port."""


class ServeConfig(Section):
    """The daemon as a process, and its HTTP side."""

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
        description="The names under which browsers and programs reach the console. Without them that of `public_url`, or "
        "those that `listen` speaks of: this machine, and addresses in numbers where it listens on all of them.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer.")
    threads: int = Field(default=4, ge=1, le=256, description="Threads of each of them: so many requests at a time.")
    public_url: (
        Annotated[str, matches(r"https?://[^\s/@?#]+(/[^\s?#]*)?", "an http(s) address, as https://sync.example.com")]
        | None
    ) = Field(
        default=None, description="How people reach the web side: what messages link to. Without it they have no links."
    )
    metrics: MetricsConfig = Field(default=MetricsConfig(), description="Who may read `/metrics`.")
    tls: TlsConfig | None = Field(default=None, description="HTTPS; without it a proxy before it does it.")
    trusted_proxies: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], Field(strict=False)] = Field(
        default=(),
        description="Addresses or networks of the proxies before it: only what comes from them is believed when it says for "
        "whom it calls (X-Forwarded-For, -Proto, -Host).",
    )
    webhooks: Annotated[tuple[WebhookConfig, ...], Field(strict=False)] = Field(
        default=(), description="Who may ask for a run by a signed call."
    )
    hung_after: int = Field(
        default=30,
        ge=1,
        le=1440,
        description="Minutes without progress after which a run is ended, and taken up again with the next one.",
    )
    drain_seconds: int = Field(
        default=60,
        ge=1,
        le=3600,
        description="Seconds in which what was begun is brought to an end when the daemon stops; what lasts longer is killed.",
    )


class AlertsConfig(Section):
    """What the daemon raises an alarm about though nothing failed."""

    no_success_hours: int = Field(
        default=24, ge=1, le=8760, description="Hours without a run that went well after which an alarm is raised."
    )
