"""A NanoMDM of ours and devices that speak to it: check-in, then polling, as Apple's MDM protocol has it.

The server: micromdm/nanomdm (PUT /v1/enqueue/{ids}, /mdm for devices, webhook `mdm.Connect`). Like its SQL stores it takes
a CommandUUID once. A device: Authenticate, TokenUpdate, then Idle and its answers (Acknowledged, NotNow, Error).
"""

from __future__ import annotations

import base64
import json
import plistlib
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from tests.mdm.push.server import Asked, Reply, StandIn, as_json, parts
from tests.mdm.push.stand_ins import SECRET


class Nano(StandIn):
    """The server. `webhook` is where it tells what devices say; empty: nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.webhook = ""
        self.enrolled: dict[str, bool] = {}
        self.commands: dict[str, bytes] = {}
        self.queues: dict[str, list[str]] = {}
        self.queued: list[tuple[str, str]] = []
        """Every device and command that was ever queued."""

    def answer(self, asked: Asked) -> Reply:
        match asked.method, parts(asked.path):
            case "PUT", ["mdm"]:
                return self._device(asked.body)
            case "PUT", ["v1", "enqueue", ids]:
                if (
                    asked.headers.get("authorization")
                    != "Basic " + base64.b64encode(f"nanomdm:{SECRET}".encode()).decode()
                ):
                    return Reply(401, b"Unauthorized\n", {"WWW-Authenticate": 'Basic realm="nanomdm"'})
                return self._enqueue(ids.split(","), asked.body)
        return Reply(404)

    def _enqueue(self, ids: list[str], body: bytes) -> Reply:
        try:
            command = plistlib.loads(body, fmt=plistlib.FMT_XML)
            uuid, kind = command["CommandUUID"], command["Command"]["RequestType"]
        except Exception:  # noqa: BLE001 - whatever it is
            return as_json({"command_error": "decoding command"}, 500)
        told: dict[str, Any] = {"command_uuid": uuid, "request_type": kind}
        if uuid in self.commands:
            return as_json({**told, "command_error": f"Error 1062: Duplicate entry '{uuid}'"}, 500)
        unknown = [one for one in ids if not self.enrolled.get(one)]
        if unknown:
            return as_json({**told, "command_error": f"foreign key: no enrollment {unknown[0]}"}, 500)
        self.commands[uuid] = body
        for one in ids:
            self.queues[one].append(uuid)
            self.queued.append((one, kind))
        return as_json({**told, "status": {one: {"push_result": "6E14E52F"} for one in ids}})

    def _device(self, body: bytes) -> Reply:
        said = plistlib.loads(body)
        place = said["UDID"]
        match said.get("MessageType"):
            case "Authenticate":
                self.enrolled[place] = False
                self.queues[place] = []
                return Reply(200)
            case "TokenUpdate":
                self.enrolled[place] = True
                return Reply(200)
        if not self.enrolled.get(place):
            return Reply(410)
        status, uuid = said["Status"], said.get("CommandUUID")
        queue = self.queues[place]
        if uuid in queue and status != "NotNow":
            queue.remove(uuid)
        self._tell(place, status, uuid, body)
        waiting = [one for one in queue if not (status == "NotNow" and one == uuid)]
        return Reply(200, self.commands[waiting[0]]) if waiting else Reply(200)

    def _tell(self, place: str, status: str, uuid: str | None, body: bytes) -> None:
        if not self.webhook:
            return
        event = {"udid": place, "enrollment_id": "", "status": status, "raw_payload": base64.b64encode(body).decode()}
        if uuid:
            event["command_uuid"] = uuid
        call = {
            "topic": "mdm.Connect",
            "event_id": "",
            "created_at": "2026-11-01T00:00:00Z",
            "acknowledge_event": event,
        }
        request = urllib.request.Request(self.webhook, json.dumps(call).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass


@dataclass
class Device:
    """One device with the app on it. `holds` is what the app would read."""

    server: Nano
    place: str
    bundle_id: str
    holds: dict[str, Any] | None = None
    managed: bool = True
    not_now: int = 0
    """So many times it says NotNow to a Settings command."""
    not_now_to: set[str] = field(default_factory=set)
    """UUIDs of commands to which it says NotNow as long as they stand here."""
    deaf: bool = False
    """It acknowledges Settings, and keeps what it has."""
    done: list[str] = field(default_factory=list)

    def enrol(self) -> Device:
        self._send({"MessageType": "Authenticate", "UDID": self.place, "Topic": "com.apple.mgmt.test"})
        self._send({"MessageType": "TokenUpdate", "UDID": self.place, "Topic": "com.apple.mgmt.test", "Token": b"t"})
        return self

    def poll(self) -> None:
        """Idle, then answer until there is nothing more."""
        command = self._send({"UDID": self.place, "Status": "Idle"})
        for _ in range(20):
            if command is None:
                return
            uuid = command["CommandUUID"]
            answer = {"Status": "NotNow"} if uuid in self.not_now_to else self._do(command["Command"])
            self.done.append(command["Command"]["RequestType"])
            command = self._send({"UDID": self.place, "CommandUUID": uuid, **answer})
        raise AssertionError("the queue does not end")

    def _do(self, command: dict[str, Any]) -> dict[str, Any]:
        kind = command["RequestType"]
        if kind == "Settings":
            if self.not_now:
                self.not_now -= 1
                return {"Status": "NotNow"}
            return self._settings(command["Settings"])
        if kind == "InstallApplication":
            if command["Identifier"] == self.bundle_id and "Configuration" in command:
                self.holds, self.managed = command["Configuration"], True
            return {"Status": "Acknowledged", "State": "Managed"}
        if kind == "ManagedApplicationConfiguration":
            asked = self.managed and self.bundle_id in command["Identifiers"]
            held = {"Configuration": self.holds} if self.holds is not None else {}
            listed = [{"Identifier": self.bundle_id, **held}] if asked else []
            return {"Status": "Acknowledged", "ApplicationConfigurations": listed}
        return {"Status": "CommandFormatError"}

    def _settings(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        (item,) = items
        if item["Item"] != "ApplicationConfiguration" or item["Identifier"] != self.bundle_id or not self.managed:
            error = {
                "ErrorCode": 12026,
                "ErrorDomain": "MCMDMErrorDomain",
                "USEnglishDescription": "The app is not managed.",
            }
            return {"Status": "Error", "ErrorChain": [error]}
        if not self.deaf:
            self.holds = item.get("Configuration")
        return {"Status": "Acknowledged", "Settings": [{"Item": "ApplicationConfiguration", "Status": "Acknowledged"}]}

    def _send(self, said: dict[str, Any]) -> dict[str, Any] | None:
        request = urllib.request.Request(f"{self.server.url}/mdm", plistlib.dumps(said), method="PUT")
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = answer.read()
        return plistlib.loads(content) if content else None
