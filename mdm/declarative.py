"""EXPERIMENTAL: the declarations that give a managed app its config (iOS 18.4 or later).

A key that the app reads from NSUserDefaults goes by `LegacyAppConfigAssetReference` to an asset, which the device fetches
from a web server of yours. A report says that the config did not show; and the two commands (`mdm.commands`) fail for an
app that is managed in this way. Source: apple/device-management, declarative/declarations.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from mdm.errors import MdmError
from mdm.model import require_bundle_id
from mdm.values import shown, text_problem

EXPERIMENTAL: Final = "EXPERIMENTAL: a report says that the app did not see the config; try it on one device"
MAX_ASSET: Final = 1024 * 1024
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:fluix-syncd:mdm:declaration")

_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?").fullmatch


@dataclass(frozen=True, slots=True)
class Declarations:
    """The three that belong together, as JSON."""

    asset: bytes
    configuration: bytes
    activation: bytes


def declarations(bundle_id: str, content: bytes, folder_url: str, file_name: str) -> Declarations:
    """The declarations for one config.

    Args:
        bundle_id: the app's.
        content: the property list as the web server will give it, byte for byte.
        folder_url: where the web server has it (https).
        file_name: its name in there.

    Raises:
        MdmError: the address is not https, or the config is too large.
    """
    require_bundle_id(bundle_id)
    require_folder_url(folder_url)
    if len(content) > MAX_ASSET:
        raise MdmError(f"the config has {len(content)} bytes, {MAX_ASSET} at most", where=file_name)
    url = f"{folder_url.rstrip('/')}/{quote(file_name)}"
    name = f"{bundle_id}\n{url}"
    asset = _declaration(
        "com.apple.asset.data",
        f"asset\n{name}",
        {
            "Reference": {
                "DataURL": url,
                "ContentType": "application/plist",
                "Size": len(content),
                "Hash-SHA-256": hashlib.sha256(content).hexdigest(),
            },
            "Authentication": {"Type": "MDM"},
        },
    )
    legacy = {"LegacyAppConfigAssetReference": asset["Identifier"]}
    configuration = _declaration(
        "com.apple.configuration.app.managed",
        f"configuration\n{name}",
        {"BundleID": bundle_id, "AppConfig": legacy},
    )
    activation = _declaration(
        "com.apple.activation.simple",
        f"activation\n{name}",
        {"StandardConfigurations": [configuration["Identifier"]]},
    )
    return Declarations(*map(_json, (asset, configuration, activation)))


def require_folder_url(url: str) -> None:
    """Refuse what is no https address of a folder.

    Raises:
        MdmError: it is none.
    """
    if problem := text_problem(url) or (None if _HTTPS(url) else "it must begin with https:// and be plain ASCII"):
        cure = "give the address of the folder on your web server, as https://mdm.example.com/fluix"
        raise MdmError(f"{shown(url)} is no address for assets: {problem}", where="assets_url", cure=cure)


def _declaration(kind: str, name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """ServerToken tells a device whether it has this state already."""
    state = json.dumps(payload, sort_keys=True)
    return {
        "Type": kind,
        "Identifier": str(uuid.uuid5(NAMESPACE, name)).upper(),
        "ServerToken": hashlib.sha256(state.encode()).hexdigest(),
        "Payload": payload,
    }


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
