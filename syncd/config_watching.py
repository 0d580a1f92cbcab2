"""How the program is watched: its log, metrics, traces, and the messages that it sends by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from syncd.config_file import Section
from syncd.config_values import matches
from syncd.secrets import Secret


class LogConfig(Section):
    """What is written to standard error while the program works."""

    format: Literal["json", "text"] = Field(
        default="text", description="One JSON document a line for programs, or a line for people."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="The least that is written. `debug` also tells every request, and every search of a directory.",
    )
    personal: Literal["cut", "keep"] = Field(
        default="cut",
        description="`cut`: of an email only its first letter and its domain are written, with a digest that tells two people "
        "apart and that only this store can work out.",
    )


class TracingConfig(Section):
    """Where spans of each run are sent: how long its steps took, and counts. It needs the extra `otel`."""

    endpoint: Annotated[str, matches(r"https?://[^\s/@?#]+(/[^\s?#]*)?", "an http(s) address without a user")] = Field(
        description="The whole address that takes OTLP over HTTP, as `https://collector.example.com/v1/traces`."
    )
    authorization: Secret | None = Field(
        default=None, description="The whole Authorization header, where the collector wants one."
    )
    timeout_seconds: float = Field(
        default=5, gt=0, le=60, description="How long an answer is waited for; a run waits once for it, at its end."
    )
