"""Each product that tells at once what it holds, against its stand-in."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar

import pytest

from mdm.errors import MdmError
from mdm.model import EMAIL_KEY, same
from mdm.plist import fragment
from mdm.push.base import Product, PushError, Settings, State
from mdm.push.deliver import draft, send
from mdm.push.fleet import Fleet
from mdm.push.http import Http
from mdm.push.intune import SCOPE, Intune
from mdm.push.jamf import TOKEN_PATH, JamfPro
from mdm.push.kmfddm import Kmfddm
from mdm.push.oauth import Basic, Bearer, ClientCredentials
from mdm.push.simplemdm import SimpleMdm
from mdm.reading import read
from tests.mdm.push.contract import ProductContract
from tests.mdm.push.server import Reply, StandIn, cut, fails
from tests.mdm.push.stand_ins import APP, SECRET, Declared, FleetServer, Graph, Jamf, Simple

KINDS = {str: "stringType", int: "integerType", float: "realType", bool: "booleanType"}


class TestIntune(ProductContract):
    writes = "POST"

    def stand_in(self) -> Graph:
        return Graph()

    def make(self, server: StandIn, secret: str, policy_id: str = "") -> Intune:
        auth = ClientCredentials(
            f"{server.url}/tenant/oauth2/v2.0/token",
            "syncd",
            lambda: secret,
            SCOPE,
            http=lambda url: Http(url, sleep=self.sleeps.append),
        )
        return Intune(self.http(f"{server.url}/v1.0", auth), "app-1", policy_id)

    @pytest.fixture
    def product(self, server: Graph) -> Product:
        product = self.make(server, SECRET)
        server.lives = 3600
        product._http._auth._fetch()  # so that faults on POST meet the policy, and not the token
        server.asked.clear()
        return product

    def admin(self, server: Graph, settings: Settings) -> None:
        items = [
            {
                "appConfigKey": key,
                "appConfigKeyType": KINDS[type(value)],
                "appConfigKeyValue": str(value).lower() if value is True else str(value),
            }
            for key, value in settings.items()
        ]
        if "policy-0" in server.policies:
            server.policies["policy-0"] |= {"settings": items, "encodedSettingXml": None}
        else:
            server.add(settings=items)

    def held(self, server: Graph) -> dict[str, Any]:
        read_as = {"stringType": str, "integerType": int, "realType": float, "booleanType": lambda text: text == "true"}
        (policy, *others) = server.policies.values() or ({},)
        assert not others
        return {
            item["appConfigKey"]: read_as[item["appConfigKeyType"]](item["appConfigKeyValue"])
            for item in policy.get("settings", ())
        }

    @pytest.fixture
    def graph(self, server: Graph) -> Graph:
        return server

    def test_a_new_policy_is_for_the_app_and_for_nobody_yet(self, graph: Graph, product: Product) -> None:
        self.push(product)
        (policy,) = graph.policies.values()
        assert policy["targetedMobileApps"] == ["app-1"]
        assert "assignments" not in policy
        assert graph.scopes == [SCOPE]

    def test_the_policy_is_found_on_a_later_page_among_others(self, graph: Graph, product: Product) -> None:
        for _ in range(4):
            graph.add(apps=("app-2",))
        graph.add(kind="androidManagedStoreAppConfiguration")
        mine = graph.add()
        assert self.push(product).state is State.ACKNOWLEDGED
        assert graph.policies[mine]["settings"][0]["appConfigKeyValue"] == "{{mail}}"
        assert [one.method for one in graph.writes()] == ["PATCH"]

    def test_a_next_page_elsewhere_is_not_asked_for(self, graph: Graph, product: Product) -> None:
        with StandIn() as elsewhere:
            graph.next_link = f"{elsewhere.url}/v1.0/steal"
            for _ in range(3):
                graph.add(apps=("app-2",))
            with pytest.raises(PushError, match="another host"):
                product.get(APP)
            assert elsewhere.asked == []

    def test_several_policies_are_not_chosen_from(self, graph: Graph, product: Product) -> None:
        first, second = graph.add(), graph.add()
        with pytest.raises(PushError) as caught:
            product.get(APP)
        assert first in caught.value.cure
        named = self.make(graph, SECRET, second)
        assert self.push(named).state is State.ACKNOWLEDGED
        assert graph.policies[first]["settings"] == []

    def test_a_policy_that_is_not_there_or_of_another_kind(self, graph: Graph, product: Product) -> None:
        with pytest.raises(PushError, match="404"):
            self.make(graph, SECRET, "nobody").get(APP)
        android = graph.add(kind="androidManagedStoreAppConfiguration")
        with pytest.raises(PushError, match="not for iOS"):
            self.make(graph, SECRET, android).get(APP)

    def test_xml_stays_xml_and_holds_lists(self, graph: Graph, product: Product) -> None:
        theirs = {"hosts": ["a", {"b": 1}], EMAIL_KEY: "x"}
        mine = graph.add(encodedSettingXml=base64.b64encode(fragment(theirs)).decode())
        assert self.push(product).state is State.ACKNOWLEDGED
        now = read(base64.b64decode(graph.policies[mine]["encodedSettingXml"])).settings
        assert same(now, {**theirs, EMAIL_KEY: "{{mail}}"})
        assert graph.policies[mine]["settings"] == []

    def test_a_token_of_the_admins_stays_one(self, graph: Graph, product: Product) -> None:
        item = {"appConfigKey": "who", "appConfigKeyType": "tokenType", "appConfigKeyValue": "{{deviceid}}"}
        mine = graph.add(settings=[item])
        self.push(product)
        assert item in graph.policies[mine]["settings"]

    def test_what_is_not_told_is_not_taken_for_empty(self, graph: Graph, product: Product) -> None:
        del graph.policies[graph.add()]["settings"]
        with pytest.raises(PushError, match="not told"):
            product.get(APP)

    def test_dates_are_not_sent(self, graph: Graph, product: Product) -> None:
        xml = b"<dict><key>since</key><date>2026-01-01T00:00:00Z</date></dict>"
        graph.add(encodedSettingXml=base64.b64encode(xml).decode())
        with pytest.raises(MdmError, match="takes no date"):
            self.push(product)
        assert graph.writes() == []

    def test_a_change_between_reading_and_writing_is_refused(self, graph: Graph, product: Product) -> None:
        graph.etags = True
        graph.add()
        one = draft(product, APP, self.ours)
        graph.policies["policy-0"]["version"] += 1
        outcome = send(product, one)
        assert outcome.state is State.FAILED
        assert "changed meanwhile" in outcome.note
        assert self.push(product).state is State.ACKNOWLEDGED

    def test_a_token_that_lapsed_is_fetched_anew(self, graph: Graph, product: Product) -> None:
        product.get(APP)
        graph.lapsed.update(graph.tokens)
        product.get(APP)
        assert len(graph.tokens) == 2

    def test_a_token_is_fetched_before_it_ends(self, graph: Graph) -> None:
        now = [0.0]
        graph.lives = 600
        auth = ClientCredentials(
            graph.url + graph.token_path, "syncd", lambda: SECRET, SCOPE, seconds=lambda: now[0], http=Http
        )
        product = Intune(self.http(f"{graph.url}/v1.0", auth), "app-1")
        for at, tokens in ((0, 1), (539, 1), (541, 2), (700, 2)):
            now[0] = float(at)
            product.get(APP)
            assert len(graph.tokens) == tokens

    @pytest.mark.parametrize(
        "items",
        [
            [{"appConfigKey": "a", "appConfigKeyType": "stringType", "appConfigKeyValue": "1"}] * 2,
            [{"appConfigKey": "a", "appConfigKeyType": "integerType", "appConfigKeyValue": "x"}],
            [{"appConfigKey": "a", "appConfigKeyType": "dateType", "appConfigKeyValue": "x"}],
        ],
    )
    def test_what_cannot_be_read_is_not_overwritten(self, graph: Graph, product: Product, items: list[Any]) -> None:
        graph.add(settings=items)
        with pytest.raises(PushError):
            product.get(APP)


class TestJamf(ProductContract):
    token = "$EMAIL"

    def stand_in(self) -> Jamf:
        return Jamf()

    def make(self, server: StandIn, secret: str) -> JamfPro:
        auth = ClientCredentials(server.url + TOKEN_PATH, "syncd", lambda: secret)
        return JamfPro(self.http(server.url, auth))

    def admin(self, server: Jamf, settings: Settings) -> None:
        server.apps[APP] = [fragment(settings).decode()]

    def held(self, server: Jamf) -> dict[str, Any]:
        text = server.apps[APP][0]
        return read(text.encode()).settings if text else {}

    @pytest.mark.parametrize("there", [[], ["", ""]], ids=["none", "two"])
    def test_no_app_or_two_is_an_error(self, server: Jamf, product: Product, there: list[str]) -> None:
        server.apps[APP] = there
        with pytest.raises(PushError, match="404"):
            product.get(APP)

    @pytest.mark.parametrize("text", ["<dict><key>a</dict>", "a=b", "<plist version='1.0'><array/></plist>"])
    def test_what_cannot_be_read_is_not_overwritten(self, server: Jamf, product: Product, text: str) -> None:
        server.apps[APP] = [text]
        with pytest.raises(PushError, match="cannot be read"):
            product.get(APP)

    def test_what_is_not_told_is_not_taken_for_empty(self, server: Jamf, product: Product) -> None:
        server.faults.append(
            lambda asked: Reply(200, b"<mobile_device_application/>") if asked.method == "GET" else None
        )
        with pytest.raises(PushError, match="another document"):
            product.get(APP)

    def test_characters_of_xml_come_through_two_layers(self, server: Jamf, product: Product) -> None:
        theirs = {"a<b&c>": "]]> & <dict> \"'", "é": "日本"}
        self.admin(server, theirs)
        assert self.push(product).state is State.ACKNOWLEDGED
        assert same(self.held(server), {**theirs, **self.ours})


class TestSimpleMdm(ProductContract):
    token = "$email"
    writes = "POST"

    def stand_in(self) -> Simple:
        return Simple()

    def make(self, server: StandIn, secret: str) -> SimpleMdm:
        return SimpleMdm(self.http(server.url, Basic(lambda: secret, lambda: "")), "7")

    def admin(self, server: Simple, settings: Settings) -> None:
        kinds = {str: "string", int: "integer", float: "float", bool: "boolean"}
        server.entries.clear()
        for key, value in settings.items():
            server.add(key, str(int(value)) if isinstance(value, bool) else str(value), kinds[type(value)])

    def held(self, server: Simple) -> dict[str, Any]:
        read_as = {"string": str, "integer": int, "float": float, "boolean": lambda text: text == "1"}
        return {one["key"]: read_as[one["value_type"]](one["value"]) for one in server.entries.values()}

    def test_devices_get_it_only_by_a_push(self, server: Simple, product: Product) -> None:
        server.faults.append(lambda asked: fails(500)(asked) if asked.path.endswith("/push") else None)
        server.faults.append(lambda asked: fails(500)(asked) if asked.path.endswith("/push") else None)
        server.faults.append(lambda asked: fails(500)(asked) if asked.path.endswith("/push") else None)
        assert self.push(product).state is State.FAILED
        assert server.pushed is None
        assert self.push(product, unfinished=True).state is State.ACKNOWLEDGED
        assert server.pushed == {EMAIL_KEY: ("$email", "string")}

    def test_a_push_whose_answer_is_lost_is_not_proven_by_what_is_stored(
        self, server: Simple, product: Product
    ) -> None:
        server.faults += [lambda asked: cut()(asked) if asked.path.endswith("/push") else None for _ in range(3)]
        assert self.push(product).state is State.FAILED
        assert server.pushed is None

    def test_lists_of_the_admins_stay_as_they_are(self, server: Simple, product: Product) -> None:
        server.add("ids", "1,53,3", "integer array")
        server.add("since", "2017-01-01T12:31:15-07:00", "date")
        assert self.push(product).state is State.ACKNOWLEDGED
        assert [one["value"] for one in server.entries.values()] == ["1,53,3", "2017-01-01T12:31:15-07:00", "$email"]
        assert [one.method for one in server.writes()] == ["POST", "POST"]

    def test_a_key_that_stands_twice_is_not_chosen_from(self, server: Simple, product: Product) -> None:
        server.add("a", "1")
        server.add("a", "2")
        with pytest.raises(PushError, match="twice"):
            product.get(APP)


class TestFleet(ProductContract):
    token = "$FLEET_VAR_HOST_END_USER_IDP_USERNAME"
    writes = "PATCH"

    def stand_in(self) -> FleetServer:
        return FleetServer()

    def make(self, server: StandIn, secret: str, title_id: int = 42) -> Fleet:
        return Fleet(self.http(server.url, Bearer(lambda: secret)), title_id, 3)

    def admin(self, server: FleetServer, settings: Settings) -> None:
        server.app["configuration"] = fragment(settings).decode()

    def held(self, server: FleetServer) -> dict[str, Any]:
        text = server.app["configuration"]
        return read(text.encode()).settings if text else {}

    def test_the_rest_of_the_app_stays(self, server: FleetServer, product: Product) -> None:
        self.push(product)
        assert server.app["self_service"] is True
        assert json.loads(server.writes()[0].body).keys() == {"team_id", "configuration"}

    def test_what_is_not_told_is_not_taken_for_empty(self, server: FleetServer, product: Product) -> None:
        del server.app["configuration"]
        with pytest.raises(PushError, match="does not tell"):
            product.get(APP)
        believing = Fleet(product._http, 42, 3, untold_is_empty=True)
        assert believing.get(APP).settings == {}

    def test_another_title_is_an_error(self, server: FleetServer, product: Product) -> None:
        with pytest.raises(PushError, match="404"):
            self.make(server, SECRET, 43).get(APP)

    @pytest.mark.parametrize("told", ["bplist00", {"a": 1}, "<dict>"])
    def test_what_cannot_be_read_is_not_overwritten(self, server: FleetServer, product: Product, told: Any) -> None:
        server.app["configuration"] = told
        with pytest.raises(PushError):
            product.get(APP)


class TestKmfddm(ProductContract):
    place = "DEVICE-1"
    token = "anna@example.com"
    others: ClassVar[dict[str, Any]] = {}
    writes = "PUT"
    extra: ClassVar[dict[str, Any]] = {}

    def stand_in(self) -> Declared:
        return Declared()

    @property
    def ours(self) -> Settings:
        return {EMAIL_KEY: self.token, **self.extra}

    def make(self, server: StandIn, secret: str) -> Kmfddm:
        auth = Basic(lambda: "kmfddm", lambda: secret)
        return Kmfddm(self.http(server.url, auth), APP, "https://files.example.com/fluix", lambda _: self.ours)

    def admin(self, server: Declared, settings: Settings) -> None:
        """Another tool puts another declaration into the set."""
        if settings:
            server.sets.setdefault(f"fluix-{APP}-DEVICE-1", set()).add("of-another-tool")

    def held(self, server: Declared) -> dict[str, Any]:
        """Ours, when all that a device follows leads to our file."""
        import hashlib

        from mdm.plist import full_plist

        names = set().union(*(server.sets.get(one, set()) for one in server.enrollments.get("DEVICE-1", ())))
        found = {
            server.declarations[name]["Type"]: server.declarations[name]
            for name in names
            if name in server.declarations
        }
        if len(found) != 3:
            return {}
        asset = found["com.apple.asset.data"]["Payload"]["Reference"]
        right = asset["Hash-SHA-256"] == hashlib.sha256(full_plist(self.ours)).hexdigest()
        return dict(self.ours) if right else {}

    def test_the_admins_other_keys_stay(self) -> None:
        """They are in the file that the operator puts on the web server."""

    def test_another_email_takes_the_place_of_the_first(self, server: Declared, product: Product) -> None:
        self.push(product)
        self.token = "berta@example.com"
        try:
            assert self.push(product).state is State.ACKNOWLEDGED
        finally:
            del self.token
        assert len(server.sets[f"fluix-{APP}-DEVICE-1"]) == 3

    def test_another_key_is_told_to_the_device(self, server: Declared, product: Product) -> None:
        self.push(product)
        server.notified.clear()
        self.extra = {"a": 1}
        assert self.push(product).state is State.ACKNOWLEDGED
        assert server.notified == ["DEVICE-1"]
