"""Jamf Pro, Classic API: the app's own App Configuration, with Jamf's variable. A PUT replaces it, so it is read first.

Source: developer.jamf.com, mobiledeviceapplications by bundleid (GET, PUT), and /api/oauth/token for API clients. Least
rights of the API role: Read and Update Mobile Device Apps (as Jamf's list of privileges calls them; not tried).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from mdm.errors import MdmError
from mdm.forms import jamf_body
from mdm.push.base import Held, PushError, Settings
from mdm.push.http import Http
from mdm.reading import read

TOKEN_PATH: Final = "/api/oauth/token"  # noqa: S105 - a path
_XML: Final = {"Content-Type": "application/xml", "Accept": "application/xml"}


class JamfPro:
    """Jamf Pro as a product: the place is the app's bundle identifier.

    Args:
        http: with `oauth.ClientCredentials`.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def get(self, place: str) -> Held:
        """The app's preferences.

        Raises:
            PushError: Jamf knows no such app, or several (it answers 404 to both), or they cannot be read.
        """
        answer = self._http.call("GET", _path(place), headers=_XML, repeatable=True)
        root = _parsed(answer.content, self._http.host)
        if root.tag != "mobile_device_application" or root.find("app_configuration") is None:
            raise PushError(f"{self._http.host} answered with another document", where=place)
        preferences = root.findtext("app_configuration/preferences") or ""
        if not preferences.strip():
            return Held({})
        try:
            return Held(read(preferences.strip().encode(), f"{place}, App Configuration").settings)
        except MdmError as error:
            cure = "mend it on the tab App Configuration"
            raise PushError(
                f"the app's preferences cannot be read: {error.what}", where=error.where, cure=cure
            ) from None

    def put(self, place: str, settings: Settings, held: Held) -> None:
        """Replace the preferences; nothing else of the app stands in the call, so that nothing else is changed."""
        del held
        self._http.call("PUT", _path(place), body=jamf_body(settings, in_order=True), headers=_XML, repeatable=True)


def _path(place: str) -> str:
    return f"/JSSResource/mobiledeviceapplications/bundleid/{quote(place, safe='')}"


def _parsed(content: bytes, host: str) -> Element:
    try:
        root: Element = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise PushError(f"{host} answered something that is no XML", where=host) from None
    return root
