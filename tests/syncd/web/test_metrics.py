"""What can be measured: every name documented, values true, and only for who may see them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from syncd import metrics
from syncd.bootstrap import App
from syncd.run import run
from syncd.sync import Request
from syncd.web.app import web_app
from tests.e2e.test_serve import serving, until
from tests.house import House, staff

ROOT = Path(__file__).parents[3]
NAMES = {one.name for one in metrics.METRICS}
SAMPLES = {name + end for one in metrics.METRICS for name in [one.name] for end in ("", "_bucket", "_sum", "_count")}


def values(text: str) -> dict[str, float]:
    """`name{label="value"}` -> value."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


@pytest.fixture
def app(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setattr(metrics, "_BELIEVED", 0.0)
    house.configure(budgets={"run": {"delete": {"count": 1}}, "day": {"delete": {"count": 50, "percent": 5}}})
    house.hire(staff(5))
    made = house.app()
    yield made
    made.store.dispose()


@pytest.fixture
def client(app: App) -> FlaskClient:
    return web_app(app).test_client()


def test_values_are_those_of_the_store(house: House, app: App, client: FlaskClient) -> None:
    run(app.sync(), Request("run"))
    house.hire(staff(2))
    run(app.sync(), Request("run"))
    found = values(client.get("/metrics").text)
    assert found["syncd_runs{state=done}"] == 2
    assert found["syncd_held_changes{kind=delete_user}"] == 3
    assert found["syncd_changes_applied_total{kind=create}"] == 5
    assert found["syncd_last_run_changes{outcome=skipped}"] == 3
    assert (found["syncd_people"], found["syncd_accounts"], found["syncd_links"]) == (2, 5, 5)
    assert found["syncd_source_records{source=people}"] == 2
    assert found["syncd_source_certified{source=people}"] == 1
    assert found["syncd_source_quarantined{source=people}"] == 0
    last = found["syncd_source_last_success_timestamp_seconds{source=people}"]
    assert 0 <= found["syncd_last_success_timestamp_seconds"] - last < 1
    assert found["syncd_budget_limit_changes{kind=delete,window=day}"] == 50
    assert found["syncd_budget_limit_ratio{kind=delete,window=day}"] == 0.05
    assert found["syncd_budget_used_changes{kind=delete,window=day}"] == 0


def test_a_read_that_was_not_whole_shows(house: House, app: App, client: FlaskClient) -> None:
    run(app.sync(), Request("run"))
    house.hire(staff(5), extra_rows=[["E9", "No Email", "", "", "yes", ""]])
    run(app.sync(), Request("run"))
    assert values(client.get("/metrics").text)["syncd_source_certified{source=people}"] == 0
    house.people.unlink()
    with pytest.raises(Exception, match="people"):
        run(app.sync(), Request("run"))
    found = values(client.get("/metrics").text)
    assert found["syncd_runs{state=failed}"] == 1
    assert found["syncd_source_failures{source=people}"] == 1


def test_every_metric_that_is_told_is_documented_and_the_other_way_round(client: FlaskClient, app: App) -> None:
    run(app.sync(), Request("run"))
    client.get("/scim/v2/nobody/Users")
    text = client.get("/metrics").text
    told = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    extra = {name for name in told if not name.endswith("_created")} - NAMES
    assert extra == set()
    assert NAMES - told == set()
    document = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    assert document == metrics.document()


def test_only_this_machine_may_look(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403


def test_a_proxy_of_ours_tells_who_calls_and_a_stranger_does_not(client: FlaskClient) -> None:
    ours = {"werkzeug.proxy_fix.orig": {}, "HTTP_X_FORWARDED_FOR": "127.0.0.1"}
    assert client.get("/metrics", environ_base=ours).status_code == 200
    assert client.get("/metrics", environ_base={**ours, "REMOTE_ADDR": "192.0.2.1"}).status_code == 403
    assert client.get("/metrics", environ_base={"syncd.untrusted_proxy": True}).status_code == 403


def test_a_network_or_a_token_lets_others_in(house: House, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRAPE", "s3cret")
    house.configure(serve={"metrics": {"allow": ["10.0.0.0/8"], "token": {"env": "SCRAPE"}}})
    client = web_app(house.app()).test_client()

    def asked(address: str, token: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.get("/metrics", environ_base={"REMOTE_ADDR": address}, headers=headers).status_code

    assert asked("10.1.2.3") == 200
    assert asked("127.0.0.1") == 403
    assert asked("192.0.2.1", "wrong") == 403
    assert asked("192.0.2.1", "s3cret") == 200


def test_requests_are_summed_over_the_processes(house: House) -> None:
    house.configure(
        serve={"listen": "127.0.0.1:0", "workers": 3},
        schedule={"every": "1h"},
        sources=[*house.settings["sources"], {"name": "okta", "type": "scim_push"}],
    )
    house.hire(staff(1))
    with serving(house) as daemon:
        until(daemon.well)
        for _ in range(30):
            assert httpx.get(f"{daemon.url}/scim/v2/okta/Users").status_code in {401, 429}
        httpx.get(f"{daemon.url}/scim/v2/somebody/Users")
        found = values(httpx.get(f"{daemon.url}/metrics").text)
        by_status = [
            value for name, value in found.items() if name.startswith("syncd_scim_requests_total") and "okta" in name
        ]
        assert sum(by_status) == 30
        assert found["syncd_scim_request_duration_seconds_count{method=GET,tenant=okta}"] == 30
        assert sum(value for name, value in found.items() if "tenant=unknown" in name and "requests_total" in name) == 1


# --- what we give away for Prometheus and Grafana -----------------------------------------------------------------


def used_in(expression: str) -> set[str]:
    return set(re.findall(r"\bsyncd_[a-z_]+", expression))


def test_the_rules_use_only_metrics_that_there_are() -> None:
    groups = yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert used_in(rule["expr"])
        assert used_in(rule["expr"]) <= SAMPLES
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_promtool_takes_the_rules() -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    ran = subprocess.run(
        [program, "check", "rules", ROOT / "deploy/alerts.yaml"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_finds_nothing_to_say_of_our_names(client: FlaskClient, app: App) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (apt-get install prometheus)")
    run(app.sync(), Request("run"))
    text = client.get("/metrics").text
    ran = subprocess.run([program, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.strip()) == (0, "")


def test_the_dashboard_uses_only_metrics_and_labels_that_there_are() -> None:
    board = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            assert used_in(target["expr"])
            assert used_in(target["expr"]) <= SAMPLES, panel["title"]
    labels = {label for one in metrics.METRICS for label in one.labels} | {"le"}
    for expression in (target["expr"] for panel in board["panels"] for target in panel.get("targets", [])):
        for named in re.findall(r"by ?\(([^)]*)\)", expression):
            assert {name.strip() for name in named.split(",")} <= labels


def test_who_does_not_ask_for_metrics_does_not_load_them() -> None:
    code = "import sys, syncd.cli.runs; print(sorted({'prometheus_client', 'structlog', 'apprise', 'PIL'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == "[]"
