"""A Taskstream is started once for each work order, whatever happens on the way."""

from __future__ import annotations

import pytest
import yaml

from tests.connectors.test_webhook import PATH, fluix  # noqa: F401 - a fixture
from tests.e2e.test_portal import Company, found
from tests.house import House, staff


@pytest.fixture
def company(house: House, fluix, monkeypatch) -> Company:  # noqa: F811 - the fixture
    monkeypatch.setenv("FLUIX_HOOK", fluix.address)
    company = Company(house, webhook={"url": {"env": "FLUIX_HOOK"}, "timeout_seconds": 0.3})
    house.hire(staff(2))
    return company


def notices(company: Company) -> list[tuple[str, str]]:
    return [(order.notice, order.notice_text) for order in company.house.app().target().book.orders()]


def test_a_ready_order_starts_a_taskstream_once(company, fluix):  # noqa: F811
    company.run()
    company.run()
    assert fluix.started == [{"work-order": "w1", "items": "3"}]
    assert notices(company) == [("sent", "")]


def test_nothing_to_order_starts_nothing(company, fluix):  # noqa: F811
    company.house.hire([])
    company.house.people.write_text(company.house.people.read_text() + "E1,Old 1,old1@example.com,,yes,\n")
    company.run()
    assert fluix.calls == 0


def test_who_cannot_be_reached_is_told_by_the_next_run(company, fluix, monkeypatch):  # noqa: F811
    monkeypatch.setenv("FLUIX_HOOK", f"http://127.0.0.1:1{PATH}")
    company.run()
    ((state, said),) = notices(company)
    assert state == "due"
    assert "no connection" in said
    monkeypatch.setenv("FLUIX_HOOK", fluix.address)
    report = company.run()
    assert found(report, "webhook") == [f"nobody was told of work order w1 for certain: {said}"]
    assert fluix.started == [{"work-order": "w1", "items": "3"}]
    assert found(company.run(), "webhook") == []


@pytest.mark.parametrize("how", ["hang", "500"])
def test_what_may_have_arrived_is_not_sent_again_and_is_said(company, fluix, how):  # noqa: F811
    fluix.hanging = how == "hang"
    fluix.answers = [(500, {})]
    company.run()
    fluix.hanging, fluix.answers = False, []
    assert company.order(1).is_dir()
    (said,) = found(company.run(), "webhook")
    assert "see in Fluix whether the Taskstream started" in said
    assert fluix.calls == 1


def test_a_process_that_was_killed_while_sending_does_not_send_again(company, fluix, monkeypatch):  # noqa: F811
    from connectors.fluix.webhook import Webhook

    class Killed(BaseException):
        pass

    def killed(*_args):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Webhook, "start", killed)
        with pytest.raises(Killed):
            company.run()
    (said,) = found(company.run(), "webhook")
    assert "begun and has no end" in said
    assert fluix.calls == 0


def test_a_refusal_is_said_and_the_order_is_there_all_the_same(company, fluix):  # noqa: F811
    fluix.answers = [(404, {})]
    company.run()
    assert company.order(1).is_dir()
    (said,) = found(company.run(), "webhook")
    assert "answered 404: check the webhook's address" in said
    assert fluix.calls == 1


def test_the_address_stands_in_no_output_and_in_no_file(company, fluix, monkeypatch):  # noqa: F811
    monkeypatch.setenv("FLUIX_HOOK", f"http://127.0.0.1:1{PATH}")
    ran = company.house.syncd("run", "--json", env={"FLUIX_HOOK": f"http://127.0.0.1:1{PATH}"})
    assert "3f0c9a52" not in ran.out + ran.err
    assert all(b"3f0c9a52" not in path.read_bytes() for path in company.house.folder.rglob("*") if path.is_file())
    assert "3f0c9a52" not in yaml.safe_dump(company.house.settings)


def test_a_missing_secret_does_not_lose_the_order(company, fluix, monkeypatch):  # noqa: F811
    monkeypatch.delenv("FLUIX_HOOK")
    company.run()
    assert company.order(1).is_dir()
    ((state, said),) = notices(company)
    assert state == "due"
    assert "FLUIX_HOOK is not set" in said
