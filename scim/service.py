"""The protocol's steps that are ours: limits, /Me, and how a PATCH is answered. All else is scim2-server's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from scim2_models import (
    NotImplementedException,
    Resource,
    ResourceType,
    ResponseParameters,
    ScimProvider,
    SearchRequest,
)
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation, Target, match
from scim2_server.service import ScimService

from scim.limits import Limits, check_filter, check_filter_text
from scim.tenant import Tenant

_COMMON: Final = re.compile(r"/(Users|Groups)(?:/([^/.][^/]*))?")
_ALL: Final = {"GET": Operation.search, "POST": Operation.create}
_ONE: Final = {
    "GET": Operation.query,
    "PUT": Operation.replace,
    "PATCH": Operation.patch,
    "DELETE": Operation.delete,
}

_FAR: Final = 2**53
"""A place beyond every list; a larger number is none that JSON can be relied upon to say."""

SMALL: Final = 200
"""Members up to which a group is small."""


class TenantService(ScimService):
    """The service of one tenant.

    Args:
        provider: what is served.
        tenant: for whom.
        secret: what cursors are sealed with; the same in each process.
        limits: of requests.
    """

    def __init__(self, provider: ScimProvider, tenant: Tenant, *, secret: str | bytes, limits: Limits) -> None:
        super().__init__(provider, secret=secret)
        self.tenant = tenant
        self.limits = limits

    @staticmethod
    def match(request: ScimRequest) -> Target:
        """What a request asks for: the commonest paths without trying all routes."""
        found = _COMMON.fullmatch(request.path)
        operations = None if found is None else (_ONE if found[2] else _ALL)
        if found is None or operations is None or request.method not in operations:
            return match(request.method.upper(), request.path)
        return Target(operations[request.method], endpoint=found[1], resource_id=found[2])

    def me_target(self, request: ScimRequest) -> tuple[ResourceType, str]:
        """The caller's own user (RFC 7644 §3.11).

        Raises:
            NotImplementedException: the caller is no user.
            NotFoundException: the user is not there.
        """
        own = getattr(request.subject, "resource_id", None)
        if own is None:
            raise NotImplementedException(detail="/Me stands for a user, and the caller is none")
        return self.get_resource_type("User"), str(own)

    def answers_patch(
        self, kind: str, parameters: ResponseParameters[Any], size: Callable[[], int] = lambda: 0
    ) -> bool:
        """Whether a PATCH is answered with the resource: as the tenant says, or when the client asks for attributes.

        Args:
            kind: of the resource.
            parameters: what the client asks for.
            size: counts a group's members, up to `SMALL` and one.
        """
        if parameters.attributes or parameters.excluded_attributes:
            return True
        how = self.tenant.group_patch_answer if kind == "Group" else self.tenant.user_patch_answer
        return how == "resource" or (how == "small" and size() <= SMALL)

    def patch_response(
        self, base_url: str, resource: Resource[Any], response_parameters: ResponseParameters[Any]
    ) -> ScimResponse:
        """200 with the resource, or 204."""
        kind = str(resource.meta.resource_type) if resource.meta else ""
        if self.answers_patch(kind, response_parameters):
            return self.replacement_response(base_url, resource, response_parameters)
        return super().patch_response(base_url, resource, response_parameters)

    def sealed(self, types: list[ResourceType], request: SearchRequest[Any], position: Any) -> str | None:
        """A position of the store as a cursor that only this service can read (RFC 9865 §5)."""
        return self._seal(types, request, position)

    def read_search(self, resource_types: list[ResourceType], payload: Any) -> tuple[SearchRequest[Any], Any]:
        """A search, its filter within the limits.

        Raises:
            NotFoundException: never; see the library for what else it raises.
        """
        if isinstance(payload, dict):
            for name, value in payload.items():
                if isinstance(value, str) and str(name).lower() == "filter":
                    check_filter_text(self.limits, value)
        request, position = super().read_search(resource_types, payload)
        if request.start_index is not None:
            request.start_index = min(request.start_index, _FAR)
        if request.filter is not None:
            check_filter(self.limits, request.filter.ast)
        return request, position
