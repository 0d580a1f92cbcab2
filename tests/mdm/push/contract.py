"""What every product that tells at once what it holds must do. A test class inherits this, and makes the product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from mdm.model import EMAIL_KEY, same
from mdm.push.base import Product, PushError, Settings, State
from mdm.push.deliver import draft, send
from mdm.push.http import Auth, Http
from tests.mdm.push.server import HALF, StandIn, cut, done_but_cut, fails
from tests.mdm.push.stand_ins import APP, SECRET


class ProductContract:
    """`stand_in`, `make`, `admin` and `held` are the product's."""

    place: ClassVar[str] = APP
    token: ClassVar[str] = "{{mail}}"
    writes: ClassVar[str] = "PUT"
    """The method of the first call that changes something."""
    others: ClassVar[dict[str, Any]] = {"server": "https://a.example", "level": 3, "ratio": 1.5, "on": True}
    """Keys that an admin may have given."""
    sleeps: list[float]
    opened: list[Http]

    def stand_in(self) -> StandIn:
        raise NotImplementedError

    def make(self, server: StandIn, secret: str) -> Product:
        raise NotImplementedError

    def admin(self, server: StandIn, settings: Settings) -> None:
        """The admin gives the app this, by hand."""
        raise NotImplementedError

    def held(self, server: StandIn) -> dict[str, Any]:
        """What the product would give the app."""
        raise NotImplementedError

    @pytest.fixture
    def server(self) -> Iterator[StandIn]:
        self.sleeps, self.opened = [], []
        with self.stand_in() as server:
            yield server
            for one in self.opened:
                one.close()

    @pytest.fixture
    def product(self, server: StandIn) -> Product:
        return self.make(server, SECRET)

    @property
    def ours(self) -> Settings:
        return {EMAIL_KEY: self.token}

    def http(self, url: str, auth: Auth) -> Http:
        self.opened.append(Http(url, auth, sleep=self.sleeps.append))
        return self.opened[-1]

    def push(self, product: Product, **how: Any) -> Any:
        return send(product, draft(product, self.place, self.ours), **how)

    def test_looking_changes_nothing(self, server: StandIn, product: Product) -> None:
        one = draft(product, self.place, self.ours)
        assert one.needed
        assert server.writes() == []

    def test_it_holds_what_was_sent_and_that_is_read_back(self, server: StandIn, product: Product) -> None:
        assert self.push(product).state is State.ACKNOWLEDGED
        assert same(self.held(server), self.ours)

    def test_nothing_is_sent_twice(self, server: StandIn, product: Product) -> None:
        self.push(product)
        before = len(server.writes())
        assert self.push(product).state is State.UNCHANGED
        assert len(server.writes()) == before

    def test_what_was_broken_off_is_finished(self, server: StandIn, product: Product) -> None:
        self.push(product)
        assert self.push(product, unfinished=True).state is State.ACKNOWLEDGED
        assert same(self.held(server), self.ours)

    def test_the_admins_other_keys_stay(self, server: StandIn, product: Product) -> None:
        self.admin(server, {**self.others, EMAIL_KEY: "somebody@example.com"})
        outcome = self.push(product)
        assert outcome.state is State.ACKNOWLEDGED
        assert same(self.held(server), {**self.others, **self.ours})
        assert {one.key: one.what for one in outcome.differences} == {
            **dict.fromkeys(self.others, "kept"),
            EMAIL_KEY: "changed",
        }

    def test_a_wrong_key_is_told_without_telling_it(self, server: StandIn, product: Product) -> None:
        wrong = self.make(server, "wr0ng-secret")
        with pytest.raises(PushError) as caught:
            wrong.get(self.place)
        told = f"{caught.value.what} {caught.value.where} {caught.value.cure} {caught.value.__cause__}"
        assert "wr0ng-secret" not in told
        assert "401" in told
        assert server.writes() == []

    @pytest.mark.parametrize("wait", ["0", "3"])
    def test_who_asks_for_time_gets_it(self, server: StandIn, product: Product, wait: str) -> None:
        server.faults.append(fails(429, on=self.writes, Retry_After=wait))
        assert self.push(product).state is State.ACKNOWLEDGED
        assert self.sleeps == [float(wait)]

    def test_who_asks_for_an_hour_is_left_alone(self, server: StandIn, product: Product) -> None:
        server.faults.append(fails(429, on=self.writes, Retry_After="3600"))
        outcome = self.push(product)
        assert (outcome.state, self.sleeps) == (State.FAILED, [])
        assert "3600 seconds" in outcome.note

    @pytest.mark.parametrize("status", [400, 403, 404, 302, 418])
    def test_what_is_refused_is_no_success(self, server: StandIn, product: Product, status: int) -> None:
        server.faults.append(fails(status, on=self.writes, Location="https://elsewhere.example/"))
        outcome = self.push(product)
        assert outcome.state is State.FAILED
        assert str(status) in outcome.note
        assert EMAIL_KEY not in self.held(server)

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_server_that_fails_always_is_no_success(self, server: StandIn, product: Product, status: int) -> None:
        server.faults += [fails(status, on=self.writes)] * 3
        assert self.push(product).state is State.FAILED

    def test_a_read_that_fails_is_no_empty_config(self, server: StandIn, product: Product) -> None:
        self.admin(server, self.others)
        for faults in ([fails(500, on="GET")] * 3, [cut(on="GET")] * 3, [cut(on="GET", sent=HALF)] * 3):
            server.faults = list(faults)
            with pytest.raises(PushError):
                product.get(self.place)
        assert server.writes() == []

    def test_nonsense_is_no_empty_config(self, server: StandIn, product: Product) -> None:
        product.get(self.place)
        server.faults.append(fails(200, on="GET"))
        with pytest.raises(PushError):
            product.get(self.place)

    def test_a_cut_connection_is_no_success(self, server: StandIn, product: Product) -> None:
        server.faults += [cut(on=self.writes)] * 3
        assert self.push(product).state is State.FAILED
        server.faults.clear()
        assert self.push(product, unfinished=True).state is State.ACKNOWLEDGED
        assert same(self.held(server), self.ours)

    def test_a_lost_answer_to_what_was_done_ends_well(self, server: StandIn, product: Product) -> None:
        server.faults.append(done_but_cut(server, self.writes))
        self.push(product)
        assert self.push(product, unfinished=True).state is State.ACKNOWLEDGED
        assert same(self.held(server), self.ours)

    def test_what_an_admin_changes_meanwhile_is_seen(self, server: StandIn, product: Product) -> None:
        one = draft(product, self.place, self.ours)

        def overwritten(asked: Any) -> None:
            if asked.method == "GET":
                server.before = lambda _: None
                self.admin(server, {EMAIL_KEY: "other@example.com"})

        server.before = overwritten
        outcome = send(product, one)
        assert outcome.state is State.DIFFERING
        assert EMAIL_KEY in outcome.note
