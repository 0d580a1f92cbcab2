"""Fleet 4.86 or later: an App Store app's configuration, with Fleet's variable.

Source: Fleet's REST API, `PATCH /api/v1/fleet/software/titles/:title_id/app_store_app` (configuration: the XML as a JSON
string, null clears it; only what is given is changed). That `GET /api/v1/fleet/software/titles/:id` tells it at
software_title.app_store_app.configuration is NOT VERIFIED. Least right: a maintainer (or the role gitops) of that fleet.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlencode

from mdm.errors import MdmError
from mdm.plist import fragment
from mdm.push.base import Held, PushError, Settings
from mdm.push.http import Http
from mdm.reading import read

_JSON: Final = {"Content-Type": "application/json"}


class Fleet:
    """Fleet as a product: the place is the app.

    Args:
        http: with `oauth.Bearer`.
        title_id: Fleet's number of the software title.
        team_id: Fleet's number of the team (0: no team).
        untold_is_empty: whether an app of which no configuration is told has none. What is not told cannot be kept.
    """

    def __init__(self, http: Http, title_id: int, team_id: int = 0, *, untold_is_empty: bool = False) -> None:
        self._http, self._team_id, self._untold_is_empty = http, team_id, untold_is_empty
        self._path = f"/api/v1/fleet/software/titles/{title_id}"

    def get(self, place: str) -> Held:
        """The app's configuration in this team."""
        query = urlencode({"team_id": self._team_id})
        title = self._http.call("GET", f"{self._path}?{query}", repeatable=True).json()
        app: Any = title
        for name in ("software_title", "app_store_app"):
            app = app.get(name) if isinstance(app, dict) else None
        if not isinstance(app, dict):
            cure = "check `title_id` and `team_id`"
            raise PushError("the software title is no App Store app of this team", where=place, cure=cure)
        if "configuration" not in app and not self._untold_is_empty:
            cure = "look whether the app has a configuration; if it has none, set `untold_is_empty: true`"
            raise PushError("this Fleet does not tell the app's configuration", where=place, cure=cure)
        text = app.get("configuration")
        if not text:
            return Held({})
        if not isinstance(text, str):
            raise PushError("the app's configuration is no XML", where=place, cure="look at it in Fleet")
        try:
            return Held(read(text.strip().encode(), f"{place}, configuration").settings)
        except MdmError as error:
            what = f"the app's configuration cannot be read: {error.what}"
            raise PushError(what, where=error.where, cure="mend it in Fleet") from None

    def put(self, place: str, settings: Settings, held: Held) -> None:
        """Replace the configuration; the app's labels and self-service stay as they are."""
        del place, held
        document = {"team_id": self._team_id, "configuration": fragment(settings, in_order=True).decode()}
        body = json.dumps(document, ensure_ascii=False).encode()
        self._http.call("PATCH", f"{self._path}/app_store_app", body=body, headers=_JSON, repeatable=True)
