"""The seven dialects: each line with its source. Pure; the rules are in `patching` and `bodies`.

What scim2-models tolerates by itself (`Dialect.policy`) has no line here: undeclared attributes, an `add` or `replace` at an
entry that is not there, dotted and URN keys in a `replace` without path, attribute names in any case.
"""

from __future__ import annotations

from typing import Final

from scim.dialects import bodies, patching
from scim.dialects.table import TOLERANT, Answer, Dialect, Line

_ENTRA_ISSUES = (
    'Microsoft Learn, "Known issues and resolutions with SCIM 2.0 protocol compliance", Flags to alter behavior'
)
_ENTRA_DEVELOP = 'Microsoft Learn, "Develop and plan provisioning for a SCIM endpoint in Microsoft Entra ID"'
_OKTA = 'Okta Developer, "Okta and SCIM Version 2.0"'
_ONELOGIN = (
    'OneLogin KB0013904, SCIM Custom Connector; scim.dev guide "OneLogin" (template with urn:scim:schemas:core:1.0)'
)
_JUMPCLOUD = 'JumpCloud Support, "Identity Management using a Custom SCIM Integration"'
_PING = 'Ping Identity, "SCIM provisioner settings reference" (PingFederate) and "Creating a SCIM connection" (PingOne)'

_PLAIN_OPS = (patching.plain_operations, "operation names in lower case")
_TRUTHS = (patching.real_truths, '"True" and "False" as truth values')
_TRUTHS_IN_BODIES = (bodies.truths_in_bodies, '"True" and "False" as truth values')
_REFS = (patching.null_refs_dropped, "empty references dropped")
_MEMBERS = (patching.members_named, "removal of just the members that are named")
_MANAGER = (patching.manager_by_value, "manager as an object")
_MANAGER_IN_BODIES = (bodies.manager_in_bodies, "manager as an object")

GENERIC: Final = Dialect(
    name="generic",
    lines=(
        Line(
            *_PLAIN_OPS,
            "RFC 7643, section 2.1, lets names be written in any case; many clients do so with operations, too",
        ),
        Line(
            *_MEMBERS,
            "ssoready/ssoready pull request 182: a `remove` of `members` with a value is not one of all members",
        ),
    ),
)
"""For a client that nobody described: nothing but what has only one meaning."""

ENTRA: Final = Dialect(
    name="entra",
    lines=(
        Line(bodies.flags_dropped, "Entra's flags dropped from the query", _ENTRA_ISSUES),
        Line(*_PLAIN_OPS, _ENTRA_ISSUES),
        Line(patching.plain_paths, "attribute names in paths in lower case", _ENTRA_DEVELOP),
        Line(*_TRUTHS, f"{_ENTRA_ISSUES}; pond/scimitar issue 43"),
        Line(*_TRUTHS_IN_BODIES, _ENTRA_ISSUES),
        Line(*_REFS, "pond/scimitar issue 43"),
        Line(bodies.members_without_null_refs, "empty references dropped", "pond/scimitar issue 43"),
        Line(*_MEMBERS, f"{_ENTRA_ISSUES}; ssoready/ssoready pull request 182"),
        Line(*_MANAGER, f"{_ENTRA_DEVELOP}; the mapping of `manager` is a reference that is sent as its bare id"),
        Line(*_MANAGER_IN_BODIES, _ENTRA_DEVELOP),
        Line(
            bodies.microsoft_schemas_dropped, "undeclared Microsoft schemas dropped", f"{_ENTRA_DEVELOP}, Create Group"
        ),
        Line(bodies.references_by_value, "references compared by their value", f"{_ENTRA_DEVELOP}, Get Group by ID"),
        Line(bodies.truths_in_filters, "truth values in filters", _ENTRA_ISSUES),
    ),
)
"""Microsoft Entra ID, with and without the flag `aadOptscim062020`. A PATCH of a person is answered with the person, one of
a group with 204, as its documentation shows."""

OKTA: Final = Dialect(
    name="okta",
    lines=(
        Line(*_PLAIN_OPS, "RFC 7644, section 3.5.2, in any case"),
        Line(
            patching.own_id_dropped,
            "a group's own id dropped from its renaming",
            f"{_OKTA}, Update a specific Group name",
        ),
        Line(*_MEMBERS, f"{_OKTA}, Update specific Group membership"),
    ),
    group_patch=Answer.RESOURCE,
    skips_unknown_members=True,
)
"""Okta: PUT from custom integrations, PATCH from those of its network. "It does require the other details about the Group"
in the answer to a PATCH; members may be left out of it."""

ONELOGIN: Final = Dialect(
    name="onelogin",
    lines=(
        Line(*_PLAIN_OPS, "as generic"),
        Line(bodies.scim_1_schemas, "schemas of SCIM 1 as those of 2.0", _ONELOGIN),
        Line(
            bodies.null_id_dropped, "empty id and meta dropped", 'Keepnet Labs, "OneLogin SCIM Integration" (template)'
        ),
        Line(*_TRUTHS_IN_BODIES, "the body is a template of texts that the admin writes (KB0013904)"),
        Line(*_TRUTHS, "the body is a template of texts that the admin writes (KB0013904)"),
        Line(*_MANAGER_IN_BODIES, 'Keepnet Labs, "OneLogin SCIM Integration" (template with managerId)'),
        Line(*_MEMBERS, "as generic"),
    ),
)

JUMPCLOUD: Final = Dialect(
    name="jumpcloud",
    lines=(
        Line(*_PLAIN_OPS, "as generic"),
        Line(*_REFS, "as generic"),
        Line(*_MEMBERS, 'Unimoni, "SSO setup: JumpCloud": members are removed by a value, without a filter'),
        Line(bodies.scim_1_schemas, "schemas of SCIM 1 as those of 2.0", f"{_JUMPCLOUD}: SCIM 1.1 or 2.0"),
    ),
)
"""JumpCloud makes and deletes a test user and a test group when it is activated: both must be possible at once."""

PING: Final = Dialect(
    name="ping",
    lines=(
        Line(*_PLAIN_OPS, "as generic"),
        Line(*_MEMBERS, "as generic"),
        Line(bodies.scim_1_schemas, "schemas of SCIM 1 as those of 2.0", f"{_PING}: SCIM 1.1 and 2.0"),
    ),
    basic=True,
)
"""PingOne and PingFederate: Basic, bearer token or client credentials, and a look-up by `userName` or `emails`."""

GOOGLE: Final = Dialect(
    name="google",
    lines=(Line(*_PLAIN_OPS, "as generic"), Line(*_MEMBERS, "as generic")),
    policy=TOLERANT,
)
"""Google Workspace: probes /Users?count=1, pushes people and no groups."""

DIALECTS: Final = {one.name: one for one in (ENTRA, OKTA, ONELOGIN, JUMPCLOUD, PING, GOOGLE, GENERIC)}
