"""What the programming interfaces of some products take, for admins who script them: built here, sent by nobody.

Each is parsed again before it is handed out, and must say what it was made from.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from defusedxml.ElementTree import fromstring

from mdm.errors import MdmError
from mdm.model import AppConfig, Value, same
from mdm.plist import fragment
from mdm.reading import read
from mdm.tables import rows_of

GRAPH_TYPE: Final = "#microsoft.graph.iosMobileAppConfiguration"
GRAPH_TYPES: Final = {"string": "stringType", "integer": "integerType", "real": "realType", "boolean": "booleanType"}
SIMPLEMDM_TYPES: Final = {"string": "string", "integer": "integer", "real": "float", "boolean": "boolean"}


def intune_graph(config: AppConfig) -> bytes:
    """Body of POST /deviceAppManagement/mobileAppConfigurations (Microsoft Graph).

    Flat settings go as a list, others as base64 XML. `targetedMobileApps` is left empty: put Intune's id of the app there.

    Raises:
        MdmError: it did not come back as it was written.
    """
    document: dict[str, Any] = {
        "@odata.type": GRAPH_TYPE,
        "displayName": f"Fluix login ({config.bundle_id})",
        "description": "Shows each person's email on the login page of Fluix",
        "targetedMobileApps": [],
    }
    if all(isinstance(value, str | int | float) for value in config.settings.values()):
        document["settings"] = [
            {"appConfigKey": key, "appConfigKeyType": GRAPH_TYPES[kind], "appConfigKeyValue": value}
            for key, value, kind in rows_of(config.settings)
        ]
    else:
        document["encodedSettingXml"] = base64.b64encode(fragment(config.settings)).decode()
    content = json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
    _require(json.loads(content) == document, "graph.json")
    return content


def jamf_classic(config: AppConfig) -> bytes:
    """Body of PUT /JSSResource/mobiledeviceapplications/bundleid/ID (Jamf's Classic API): the fragment, escaped.

    Raises:
        MdmError: it did not come back as it was written.
    """
    return jamf_body(config.settings)


def jamf_body(settings: Mapping[str, Value], *, in_order: bool = False) -> bytes:
    """The same for settings that somebody else wrote in part; `in_order` keeps the order of their keys.

    Raises:
        MdmError: it did not come back as it was written.
    """
    root = Element("mobile_device_application")
    preferences = SubElement(SubElement(root, "app_configuration"), "preferences")
    indent(root)
    preferences.text = fragment(settings, in_order=in_order).decode()
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=False)
    content = b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"
    again = fromstring(content).findtext("app_configuration/preferences")
    _require_settings(again, settings, "classic.xml")
    return content


def simplemdm_forms(settings: Mapping[str, Value]) -> bytes:
    """One body a line of POST /api/v1/apps/APP_ID/managed_configs (form data: key, value, value_type).

    Raises:
        MdmError: it did not come back as it was written, or a value is no plain one.
    """
    rows = [(key, value, SIMPLEMDM_TYPES[kind]) for key, value, kind in rows_of(settings)]
    bodies = [urlencode({"key": key, "value": value, "value_type": kind}) for key, value, kind in rows]
    again = [
        tuple(value for _, value in parse_qsl(body, keep_blank_values=True, strict_parsing=True)) for body in bodies
    ]
    _require(again == rows, "managed_configs.txt")
    return "".join(f"{body}\n" for body in bodies).encode()


def fleet_json(config: AppConfig) -> bytes:
    """Body of PATCH /api/v1/fleet/software/titles/ID/app_store_app: the XML as a JSON string.

    Raises:
        MdmError: it did not come back as it was written.
    """
    content = json.dumps({"configuration": fragment(config.settings).decode()}, indent=2, ensure_ascii=False).encode()
    _require_settings(json.loads(content)["configuration"], config.settings, "app_store_app.json")
    return content + b"\n"


def _require_settings(text: str | None, settings: Mapping[str, Value], where: str) -> None:
    _require(text is not None and same(read(text.encode()).settings, settings), where)


def _require(holds: bool, where: str) -> None:
    if not holds:
        raise MdmError("a file that was written does not read back as it should", where=where)
