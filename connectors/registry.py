"""Type name in the configuration -> class, imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

SOURCES = {
    "csv": "connectors.csv_source:CsvSource",
    "ldap": "connectors.ldap.source:LdapSource",
    "scim": "connectors.scim_source:ScimSource",
}
TARGETS = {
    "account": "connectors.fluix.account:EmbeddedAccount",
    "portal": "connectors.fluix.portal.target:PortalTarget",
    "scim": "connectors.scim_target:ScimTarget",
}


def source_class(type_name: str) -> Any:
    """The class of a source's type.

    Raises:
        KeyError: no such type.
    """
    return _load(SOURCES[type_name])


def target_class(type_name: str) -> Any:
    """The class of a target's type.

    Raises:
        KeyError: no such type.
    """
    return _load(TARGETS[type_name])


def _load(place: str) -> Any:
    module, name = place.split(":")
    return getattr(import_module(module), name)
