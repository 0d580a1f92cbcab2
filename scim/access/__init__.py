"""Who may call, how often, and what is kept of each call: tokens, OAuth clients, rate limits and the call audit.

May not: read or write people and groups, or know what a request means. `Gate` is the room's door; the provider's app calls
`admit` before a request is read, `normalise` once it is parsed, and `told` when it was answered.
"""

from scim.access.errors import TooManyRequestsException, error_headers
from scim.access.gate import Gate
from scim.access.settings import Call, Log, Subject, Tenant
from scim.access.tables import access_metadata

__all__ = [
    "Call",
    "Gate",
    "Log",
    "Subject",
    "Tenant",
    "TooManyRequestsException",
    "access_metadata",
    "error_headers",
]
