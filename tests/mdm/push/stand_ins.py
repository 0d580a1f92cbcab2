"""Stand-ins of five products, each written after the vendor's published interface, and refusing what the vendor refuses."""

from __future__ import annotations

import base64
import json
import plistlib
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from tests.mdm.push.server import Asked, Reply, StandIn, as_json, parts

SECRET = "s3cret-of-the-test"
APP = "com.example.app"


class WithTokens(StandIn):
    """Gives tokens for an id and a secret (RFC 6749, 4.4), and takes them until they lapse."""

    token_path = ""
    lives = 3600

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self.lapsed: set[str] = set()
        self.scopes: list[str] = []

    def token(self, asked: Asked) -> Reply | None:
        if asked.path != self.token_path:
            given = asked.headers.get("authorization", "").removeprefix("Bearer ")
            good = given in self.tokens and given not in self.lapsed
            return None if good else as_json({"error": {"code": "InvalidAuthenticationToken"}}, 401)
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if form.get("grant_type") != "client_credentials" or form.get("client_secret") != SECRET:
            return as_json({"error": "invalid_client"}, 401)
        self.scopes.append(form.get("scope", ""))
        self.tokens.append(f"token-{len(self.tokens)}")
        return as_json({"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": self.lives})


class Graph(WithTokens):
    """Microsoft Graph, deviceAppManagement/mobileAppConfigurations. A page holds two."""

    token_path = "/tenant/oauth2/v2.0/token"
    page = 2

    def __init__(self) -> None:
        super().__init__()
        self.policies: dict[str, dict[str, Any]] = {}
        self.etags = False
        self.next_link = ""

    def add(self, *, apps: tuple[str, ...] = ("app-1",), kind: str = "iosMobileAppConfiguration", **rest: Any) -> str:
        policy_id = f"policy-{len(self.policies)}"
        self.policies[policy_id] = {
            "@odata.type": f"#microsoft.graph.{kind}",
            "id": policy_id,
            "version": 1,
            "displayName": "the admin's",
            "targetedMobileApps": list(apps),
            "settings": [],
            "encodedSettingXml": None,
            **rest,
        }
        return policy_id

    def answer(self, asked: Asked) -> Reply:
        if (reply := self.token(asked)) is not None:
            return reply
        match parts(asked.path):
            case ["v1.0", "deviceAppManagement", "mobileAppConfigurations"]:
                return self._create(asked) if asked.method == "POST" else self._list(asked)
            case ["v1.0", "deviceAppManagement", "mobileAppConfigurations", policy_id]:
                if policy_id not in self.policies:
                    return as_json({"error": {"code": "NotFound"}}, 404)
                return self._update(asked, policy_id) if asked.method == "PATCH" else as_json(self._told(policy_id))
        return as_json({"error": {"code": "BadRequest"}}, 400)

    def _told(self, policy_id: str) -> dict[str, Any]:
        policy = self.policies[policy_id]
        return {**policy, "@odata.etag": f'"{policy["version"]}"'} if self.etags else policy

    def _list(self, asked: Asked) -> Reply:
        begin = int(asked.query.get("$skiptoken", 0))
        ids = list(self.policies)[begin : begin + self.page]
        document: dict[str, Any] = {"value": [self._told(one) for one in ids]}
        if begin + self.page < len(self.policies):
            document["@odata.nextLink"] = self.next_link or f"{self.url}{asked.path}?$skiptoken={begin + self.page}"
        return as_json(document)

    def _create(self, asked: Asked) -> Reply:
        document = json.loads(asked.body)
        if not document.get("displayName") or not document.get("targetedMobileApps"):
            return as_json({"error": {"code": "ModelValidationFailure"}}, 400)
        if (bad := _graph_problem(document)) is not None:
            return bad
        return as_json(self.policies[self.add(**{"apps": (), **document})], 201)

    def _update(self, asked: Asked, policy_id: str) -> Reply:
        document = json.loads(asked.body)
        if (bad := _graph_problem(document)) is not None:
            return bad
        policy = self.policies[policy_id]
        if asked.headers.get("if-match", f'"{policy["version"]}"') != f'"{policy["version"]}"':
            return as_json({"error": {"code": "PreconditionFailed"}}, 412)
        policy |= document
        policy["version"] += 1
        return as_json(policy)


def _graph_problem(document: dict[str, Any]) -> Reply | None:  # noqa: PLR0911 - one for each rule
    bad = as_json({"error": {"code": "ModelValidationFailure"}}, 400)
    if document.get("@odata.type") != "#microsoft.graph.iosMobileAppConfiguration":
        return bad
    items = document.get("settings") or []
    keys = [item.get("appConfigKey") for item in items]
    kinds = {"stringType", "integerType", "realType", "booleanType", "tokenType"}
    if len(set(keys)) != len(keys) or any(item.get("appConfigKeyType") not in kinds for item in items):
        return bad
    if any(not isinstance(item.get("appConfigKeyValue"), str) for item in items):
        return bad
    if encoded := document.get("encodedSettingXml"):
        if items:
            return bad
        text = base64.b64decode(encoded, validate=True)
        try:
            root = ET.fromstring(text)
        except ET.ParseError:
            return bad
        if root.tag != "dict" or any(one.tag in {"date", "data"} for one in root.iter()):
            return bad
    return None


class Jamf(WithTokens):
    """Jamf Pro, JSSResource/mobiledeviceapplications/bundleid: what a PUT does not name stays, preferences are replaced."""

    token_path = "/api/oauth/token"

    def __init__(self) -> None:
        super().__init__()
        self.apps: dict[str, list[str]] = {APP: [""]}

    def answer(self, asked: Asked) -> Reply:
        if (reply := self.token(asked)) is not None:
            return reply
        match parts(asked.path):
            case ["JSSResource", "mobiledeviceapplications", "bundleid", bundle_id]:
                found = self.apps.get(bundle_id, [])
                if len(found) != 1:
                    return Reply(404, b"<html>Not Found</html>")
                return self._put(asked, bundle_id) if asked.method == "PUT" else self._get(bundle_id)
        return Reply(400)

    def _get(self, bundle_id: str) -> Reply:
        root = ET.Element("mobile_device_application")
        ET.SubElement(ET.SubElement(root, "general"), "bundle_id").text = bundle_id
        config = ET.SubElement(root, "app_configuration")
        ET.SubElement(config, "preferences").text = self.apps[bundle_id][0]
        return Reply(200, ET.tostring(root, encoding="utf-8"), {"Content-Type": "text/xml"})

    def _put(self, asked: Asked, bundle_id: str) -> Reply:
        if "xml" not in asked.headers.get("content-type", ""):
            return Reply(415)
        try:
            root = ET.fromstring(asked.body)
            text = root.findtext("app_configuration/preferences") or ""
            inner = ET.fromstring(text)
        except ET.ParseError:
            return Reply(400, b"<html>Bad Request</html>")
        if root.tag != "mobile_device_application" or inner.tag != "dict":
            return Reply(409, b"<html>Conflict</html>")
        self.apps[bundle_id] = [text]
        return Reply(201, b"<mobile_device_application><id>1</id></mobile_device_application>")


class Simple(StandIn):
    """SimpleMDM, apps/ID/managed_configs: entries are made and deleted, and go to devices only with a push."""

    page = 2

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[int, dict[str, str]] = {}
        self.pushed: dict[str, tuple[str, str]] | None = None
        self._last = 0

    def add(self, key: str, value: str, kind: str = "string") -> None:
        self._last += 1
        self.entries[self._last] = {"key": key, "value": value, "value_type": kind}

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != "Basic " + base64.b64encode(f"{SECRET}:".encode()).decode():
            return as_json({"errors": [{"title": "unauthorized"}]}, 401)
        missing = as_json({"errors": [{"title": "object not found"}]}, 404)
        match asked.method, parts(asked.path):
            case "GET", ["api", "v1", "apps", "7", "managed_configs"]:
                after, limit = int(asked.query.get("starting_after", 0)), int(asked.query.get("limit", 10))
                rest = [number for number in self.entries if number > after]
                shown = rest[: min(limit, self.page)]
                data = [{"type": "managed_config", "id": one, "attributes": self.entries[one]} for one in shown]
                return as_json({"data": data, "has_more": len(rest) > len(shown)})
            case "POST", ["api", "v1", "apps", "7", "managed_configs"]:
                return self._create(asked)
            case "POST", ["api", "v1", "apps", "7", "managed_configs", "push"]:
                self.pushed = {one["key"]: (one["value"], one["value_type"]) for one in self.entries.values()}
                return Reply(202)
            case "DELETE", ["api", "v1", "apps", "7", "managed_configs", number]:
                return Reply(204) if self.entries.pop(int(number), None) else missing
        return missing

    def _create(self, asked: Asked) -> Reply:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode(), keep_blank_values=True).items()}
        checks = {
            "string": lambda _: True,
            "integer": lambda text: text.lstrip("-").isdigit(),
            "float": lambda text: text.replace(".", "", 1).lstrip("-").isdigit(),
            "boolean": lambda text: text in {"0", "1"},
        }
        kind, key = form.get("value_type", ""), form.get("key", "")
        if kind not in checks or not checks[kind](form.get("value", "")):
            return as_json({"errors": [{"title": "value is invalid"}]}, 422)
        if not key or any(one["key"] == key for one in self.entries.values()):
            return as_json({"errors": [{"title": "key has already been taken"}]}, 422)
        self.add(key, form.get("value", ""), kind)
        return as_json({"data": {"type": "managed_config", "id": self._last}}, 201)


class FleetServer(StandIn):
    """Fleet, software/titles/42 of team 3: XML as a JSON string; a binary property list is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.app: dict[str, Any] = {"app_store_id": "1", "self_service": True, "configuration": None}

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {SECRET}":
            return as_json({"message": "Authentication required"}, 401)
        match asked.method, parts(asked.path):
            case "GET", ["api", "v1", "fleet", "software", "titles", "42"] if asked.query.get("team_id") == "3":
                return as_json({"software_title": {"id": 42, "name": "Fluix", "app_store_app": self.app}})
            case "PATCH", ["api", "v1", "fleet", "software", "titles", "42", "app_store_app"]:
                return self._patch(json.loads(asked.body))
        return as_json({"message": "Resource Not Found"}, 404)

    def _patch(self, document: dict[str, Any]) -> Reply:
        if document.get("team_id") != 3:
            return as_json({"message": "Resource Not Found"}, 404)
        text = document.get("configuration", self.app["configuration"])
        if text is not None:
            try:
                whole = text if "<plist" in text else f'<plist version="1.0">{text}</plist>'
                plistlib.loads(whole.encode(), fmt=plistlib.FMT_XML)
            except Exception:  # noqa: BLE001 - whatever it is
                return as_json({"message": "Invalid managed app configuration"}, 422)
        self.app["configuration"] = text
        return as_json({"app_store_app": self.app})


class Declared(StandIn):
    """KMFDDM: declarations, sets and enrollments; a change tells the devices of the sets."""

    def __init__(self) -> None:
        super().__init__()
        self.declarations: dict[str, dict[str, Any]] = {}
        self.sets: dict[str, set[str]] = {}
        self.enrollments: dict[str, set[str]] = {}
        self.notified: list[str] = []

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != "Basic " + base64.b64encode(f"kmfddm:{SECRET}".encode()).decode():
            return Reply(401)
        match asked.method, parts(asked.path):
            case "PUT", ["v1", "declarations"]:
                return self._store(json.loads(asked.body))
            case "GET", ["v1", "declarations", name]:
                found = self.declarations.get(name)
                return as_json(found) if found else as_json({"error": "not found"}, 404)
            case method, ["v1", "set-declarations", name]:
                return self._associate(method, self.sets.setdefault(name, set()), asked.query.get("declaration"), name)
            case method, ["v1", "enrollment-sets", name]:
                return self._associate(method, self.enrollments.setdefault(name, set()), asked.query.get("set"), "")
        return Reply(404)

    def _store(self, document: dict[str, Any]) -> Reply:
        if not all(document.get(key) for key in ("Identifier", "Type", "Payload")):
            return as_json({"error": "invalid declaration"}, 400)
        name = document["Identifier"]
        token = str(hash(json.dumps(document["Payload"], sort_keys=True)))
        changed = self.declarations.get(name, {}).get("Payload") != document["Payload"]
        self.declarations[name] = {**document, "ServerToken": token}
        if changed:
            self._notify(*(one for one, held in self.sets.items() if name in held))
        return Reply(204 if changed else 304)

    def _associate(self, method: str, there: set[str], what: str | None, of_set: str) -> Reply:
        if method == "GET":
            return as_json(sorted(there))
        if not what:
            return as_json({"error": "missing"}, 400)
        if of_set and method == "PUT" and what not in self.declarations:
            return as_json({"error": "no such declaration"}, 500)
        changed = (what in there) == (method == "DELETE")
        there.discard(what) if method == "DELETE" else there.add(what)
        if changed:
            self._notify(of_set or what)
        return Reply(204 if changed else 304)

    def _notify(self, *sets: str) -> None:
        self.notified += [device for device, held in self.enrollments.items() if held & set(sets)]
