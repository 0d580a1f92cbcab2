"""The error that scim2-models has no class for, and the headers that go with those who were not let in."""

from __future__ import annotations

import math
from typing import Any

from scim2_models import SCIMException

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
        super().__init__(**rest)


def error_headers(exception: Exception, tenant: Tenant | None = None) -> dict[str, str]:
    """The headers of an error's response: `Retry-After` (RFC 9110, section 10.2.3), `WWW-Authenticate` (RFC 6750, section 3).

    Args:
        exception: what answers the request.
        tenant: whose dialect says whether HTTP Basic is offered as well.
    """
    if isinstance(exception, TooManyRequestsException):
        return {"Retry-After": str(exception.seconds)}
    if isinstance(exception, SCIMException) and exception.status == 401:  # noqa: PLR2004 - the status itself
        basic = ', Basic realm="SCIM", charset="UTF-8"' if tenant and tenant.dialect.basic else ""
        return {"WWW-Authenticate": f'Bearer realm="SCIM"{basic}'}
    return {}
