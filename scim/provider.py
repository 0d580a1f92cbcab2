"""What the service says of itself: schemas, resource types, capabilities, and what it tolerates (RFC 7643 §5 to §7).

Built from the schemas that the RFC prints, not from scim2's User model, which refuses addresses such as a@corp.local.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from scim2_models import ResourceType, Schema, ScimPolicy, ScimProvider, ServiceProviderConfig
from scim2_server.utils import load_default_resource_types, load_default_schemas

PROVISIONING: Final = "urn:fluix-syncd:scim:schemas:extension:provisioning:1.0:User"
"""The extension in which an identity provider reads what became of a user. Nobody writes it by SCIM."""

KINDS: Final = ("User", "Group")
ENDPOINTS: Final = {"User": "Users", "Group": "Groups"}

_WORDS: Final = {
    "state": "What became of the user: what the engine last decided or did.",
    "reason": "Why, where the state does not say it by itself.",
    "fluixId": "The id of the account in Fluix, once there is one.",
    "invitation": "How the invitation stands.",
}


def _provisioning_schema() -> Schema:
    attributes = [
        {
            "name": name,
            "type": "string",
            "multiValued": False,
            "description": description,
            "required": False,
            "caseExact": True,
            "mutability": "readOnly",
            "returned": "default",
            "uniqueness": "none",
        }
        for name, description in _WORDS.items()
    ]
    return Schema.model_validate(
        {
            "id": PROVISIONING,
            "name": "Provisioning",
            "description": "What became of the user in Fluix. Read-only: what a client sends here is ignored.",
            "attributes": attributes,
        }
    )


def _config(max_body: int, max_operations: int, max_results: int) -> ServiceProviderConfig:
    yes = {"supported": True}
    return ServiceProviderConfig.model_validate(
        {
            "patch": yes,
            "bulk": {"supported": True, "maxOperations": max_operations, "maxPayloadSize": max_body},
            "filter": {"supported": True, "maxResults": max_results},
            "changePassword": {"supported": False},
            "sort": yes,
            "etag": yes,
            "pagination": {
                "cursor": True,
                "index": True,
                "defaultPaginationMethod": "index",
                "defaultPageSize": min(100, max_results),
                "maxPageSize": max_results,
                "cursorTimeout": 86400,
            },
            "authenticationSchemes": [
                {
                    "type": "oauthbearertoken",
                    "name": "OAuth Bearer Token",
                    "description": "A token of the tenant, in the Authorization header",
                    "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                    "primary": True,
                }
            ],
        }
    )


@cache
def build_provider(max_body: int = 8 << 20, max_operations: int = 1000, max_results: int = 1000) -> ScimProvider:
    """The service's description.

    Args:
        max_body: of a bulk request, in bytes.
        max_operations: of a bulk request.
        max_results: of a page.
    """
    types = load_default_resource_types()
    user = types["User"].model_dump()
    user["schemaExtensions"].append({"schema": PROVISIONING, "required": False})
    types["User"] = ResourceType.model_validate(user)
    schemas = load_default_schemas()
    offered = {str(one.schema_) for one in types.values()}
    offered |= {str(ext.schema_) for one in types.values() for ext in one.schema_extensions or []}
    return ScimProvider.from_discovery(
        [*(schema for urn, schema in schemas.items() if urn in offered), _provisioning_schema()],
        types.values(),
        config=_config(max_body, max_operations, max_results),
        policy=ScimPolicy(
            unknown=ScimPolicy.Unknown.ignore,
            remove_value_as_filter=ScimPolicy.RemoveValue.apply,
            unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
        ),
    )
