"""Apple's MDM commands for managed app config, as property lists.

A CommandUUID is a UUIDv5 of what the command says: the same command is the same everywhere, and a server that keeps what
it sent takes it once. `occasion` makes a command that is meant a second time another one (who left, came back and left).
Source: apple/device-management, mdm/commands (application.install, settings, managed.application.configuration).
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from mdm.model import AppConfig, require_bundle_id
from mdm.plist import fragment, full_plist

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:fluix-syncd:mdm:command")


def install_application(config: AppConfig, occasion: str = "") -> bytes:
    """InstallApplication with the config in it; for an app that is managed already it renews the config.

    Raises:
        MdmError: it did not come back as it was written.
    """
    return _command(
        {
            "RequestType": "InstallApplication",
            "Identifier": config.bundle_id,
            "Configuration": dict(config.settings),
        },
        occasion,
    )


def settings(config: AppConfig, occasion: str = "") -> bytes:
    """Settings, item ApplicationConfiguration: gives the config to an app that is there and managed.

    Raises:
        MdmError: it did not come back as it was written.
    """
    item = {
        "Item": "ApplicationConfiguration",
        "Identifier": config.bundle_id,
        "Configuration": dict(config.settings),
    }
    return _command({"RequestType": "Settings", "Settings": [item]}, occasion)


def removal(bundle_id: str, occasion: str = "") -> bytes:
    """Settings without a Configuration: takes the whole config away, the admin's other keys too.

    Raises:
        MdmError: the bundle identifier is none.
    """
    require_bundle_id(bundle_id)
    item = {"Item": "ApplicationConfiguration", "Identifier": bundle_id}
    return _command({"RequestType": "Settings", "Settings": [item]}, occasion)


def read_back(bundle_id: str, occasion: str = "") -> bytes:
    """ManagedApplicationConfiguration: the device answers with the config that it has, which proves the delivery.

    Raises:
        MdmError: the bundle identifier is none.
    """
    require_bundle_id(bundle_id)
    return _command({"RequestType": "ManagedApplicationConfiguration", "Identifiers": [bundle_id]}, occasion)


def _command(command: dict[str, Any], occasion: str) -> bytes:
    said = fragment(command).decode()
    name = str(uuid.uuid5(NAMESPACE, f"{occasion}\n{said}")).upper()
    return full_plist({"Command": command, "CommandUUID": name})
