"""The error that scim2-models has no class for, and the headers that go with those who were not let in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from scim2_models import SCIMException, UnauthorizedException

from scim.access.settings import Tenant


class TooManyRequestsException(SCIMException):
    """Too many requests: a 429 (RFC 6585, section 4) with a SCIM body.

    Args:
        seconds: after which the same request may pass.
    """

    status = 429
    _default_detail = "Too many requests"

    def __init__(self, seconds: float, **rest: Any) -> None:
        self.seconds = max(1, math.ceil(seconds))
        self.headers = {"Retry-After": str(self.seconds)}
        super().__init__(**rest)


class NotLetInException(UnauthorizedException):
    """No valid token: a 401 that says how to prove who calls.

    Args:
        tenant: whose dialect says whether HTTP Basic is offered as well; None where there is none of this name.
    """

    def __init__(self, tenant: Tenant | None, **rest: Any) -> None:
        basic = ', Basic realm="SCIM", charset="UTF-8"' if tenant and tenant.dialect.basic else ""
        self.headers = {"WWW-Authenticate": f'Bearer realm="SCIM"{basic}'}
        super().__init__(**rest)


def error_headers(exception: Exception) -> Mapping[str, str]:
    """The headers of an error's response: `Retry-After` (RFC 9110, section 10.2.3), `WWW-Authenticate` (RFC 6750, section 3)."""
    found: Mapping[str, str] = getattr(exception, "headers", {})
    return found
