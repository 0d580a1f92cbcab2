"""The AppConfig Community's specfile: tells an MDM which keys the app reads, so that it can offer them as fields.

It names the email as a user variable (`emailAddress`), which each MDM that reads specfiles fills in its own way.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from defusedxml.ElementTree import fromstring

from mdm.errors import MdmError
from mdm.model import EMAIL_KEY, require_bundle_id

USER_VARIABLE: Final = "emailAddress"
_TEXTS: Final = (
    ("en-US", "Email", "Shown in the user name field of the Fluix login page."),
    ("de-DE", "E-Mail", "Steht auf der Anmeldeseite von Fluix im Feld für den Benutzernamen."),
)


def specfile(bundle_id: str) -> bytes:
    """The specfile, version 1.

    Raises:
        MdmError: the bundle identifier is none, or the file did not read back.
    """
    require_bundle_id(bundle_id)
    root = Element("managedAppConfiguration")
    SubElement(root, "version").text = "1"
    SubElement(root, "bundleId").text = bundle_id
    entry = SubElement(SubElement(root, "dict"), "string", keyName=EMAIL_KEY)
    SubElement(SubElement(entry, "defaultValue"), "userVariable", value=USER_VARIABLE)
    SubElement(entry, "constraint", nullable="false")
    presentation = SubElement(root, "presentation", defaultLocale=_TEXTS[0][0])
    field = SubElement(presentation, "field", keyName=EMAIL_KEY, type="input")
    for tag, place in (("label", 1), ("description", 2)):
        for texts in _TEXTS:
            language = SubElement(
                SubElement(field, tag) if texts is _TEXTS[0] else field[-1], "language", value=texts[0]
            )
            language.text = texts[place]
    indent(root)
    return _checked(root, bundle_id)


def _checked(root: Element, bundle_id: str) -> bytes:
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=False)
    content = b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"
    again = fromstring(content)
    found = (again.findtext("bundleId"), *(entry.get("keyName") for entry in again.iterfind("dict/string")))
    if found != (bundle_id, EMAIL_KEY):
        raise MdmError("the specfile does not read back as it should", where="specfile.xml")
    return content
