"""scim2-flask with the gate in front of it: one tenant's blueprint, which lets in, normalises, and tells the call audit.

Inherit it beside whatever else the provider's server is; it overrides what scim2-flask offers for this.
"""

from __future__ import annotations

import json
import time

from flask import Blueprint, Response, g, request
from scim2_flask import ScimServer
from scim2_models import SCIMException
from scim2_server.requests import ScimRequest

from scim.access.calls import Answered
from scim.access.errors import error_headers
from scim.access.gate import Gate
from scim.access.settings import Call, Subject
from scim.dialects import Exchange


class GuardedServer(ScimServer):
    """One tenant's endpoints behind the gate. Set `gate` and `tenant_name` before `init_app`."""

    gate: Gate
    tenant_name: str

    def create_blueprint(self) -> Blueprint:
        """The endpoints, each behind `admit`, and each answer told to the call audit."""
        blueprint = super().create_blueprint()
        blueprint.before_request(self._admit)
        blueprint.after_request(self._tell)
        return blueprint

    def get_subject(self) -> Subject | None:
        """Who was let in."""
        return getattr(g, "scim_subject", None)

    def read_request(self) -> ScimRequest:
        """The request in the RFCs' own form."""
        scim_request = super().read_request()
        try:
            body = json.loads(scim_request.body) if scim_request.body else None
        except (ValueError, RecursionError):  # the service says what is wrong with it
            return scim_request
        came = Exchange(scim_request.method, scim_request.path, dict(scim_request.query), body)
        read = self.gate.normalise(self.tenant_name, came)
        g.scim_came, g.scim_read = came, read
        if read.notes:
            scim_request.query = read.query
            scim_request.body = b"" if read.body is None else json.dumps(read.body).encode()
        return scim_request

    def _admit(self) -> None:
        g.scim_began = time.perf_counter()
        g.scim_call = call_of(self.url_prefix)
        g.scim_subject = self.gate.admit(g.scim_call, self.tenant_name)

    def _tell(self, response: Response) -> Response:
        subject = self.get_subject()
        if subject is not None:  # of who was not let in the gate told by itself
            seconds = time.perf_counter() - g.scim_began
            came, read = getattr(g, "scim_came", None), getattr(g, "scim_read", None)
            answered = Answered(g.scim_call, subject, came, read, response.status_code, seconds)
            self.gate.told(self.tenant_name, answered)
        return response

    def _handle_scim_exception(self, exception: SCIMException) -> Response:
        response: Response = super()._handle_scim_exception(exception)
        response.headers.update(error_headers(exception, self.gate.tenants.get(self.tenant_name)))
        return response


def call_of(url_prefix: str) -> Call:
    """What is known of Flask's current request before it is read."""
    path = request.path.removeprefix(url_prefix)
    return Call(request.method, path, request.headers.get("Authorization"), request.remote_addr or "")
