"""What a process has no use for is not in its memory: an idle daemon stays small, and is there soon."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.house import House

SELDOM = {
    "PIL",
    "apprise",
    "scim2_models",
    "authlib",
    "httpx",
    "ldap3",
    "imaplib",
    "mdm.bundle",
    "connectors.fluix.portal.target",
}
SERVED = """
import json, sys
from pathlib import Path
from syncd.bootstrap import open_app
from syncd.config import load_config
from syncd.web.whole import served
served(open_app(load_config(Path(sys.argv[1]))))
print(json.dumps(sorted(sys.modules)))
"""


def modules(code: str, *args: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout))


def test_the_starter_loads_what_every_configuration_needs_and_nothing_else() -> None:
    loaded = modules("import json, sys, syncd.cli.serve; print(json.dumps(sorted(sys.modules)))")
    assert loaded >= {"syncd.daemon.running", "syncd.web.app", "syncd.web.server"}
    assert not loaded & SELDOM


FORKED = """
import json, os, sys
from pathlib import Path
from syncd.cli import serve
house = serve._House(Path(sys.argv[1]))
before = set(sys.modules)
serve.served(serve.open_app(house.config))
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_a_process_that_answers_has_little_left_to_load_once_it_is_forked(house: House) -> None:
    loaded = modules(FORKED, str(house.config))
    assert not {one for one in loaded if one.startswith(("syncd", "scim", "connectors", "sqlalchemy", "flask"))}


def test_modules_load_without_the_collector_which_looks_again_afterwards_and_freezes_only_once() -> None:
    code = """
import gc, json
from syncd.collector import loading
with loading():
    inside = gc.isenabled()
frozen = gc.get_freeze_count()
garbage = [[] for _ in range(1000)]
with loading():
    pass
print(json.dumps([str(inside), str(gc.isenabled()), str(frozen > 0), str(gc.get_freeze_count() <= frozen)]))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == ["False", "True", "True", "True"]


@pytest.mark.parametrize("pushed", [False, True])
def test_scim_is_loaded_where_somebody_pushes(house: House, pushed: bool) -> None:
    if pushed:
        house.configure(sources=[*house.settings["sources"], {"name": "okta", "type": "scim_push"}])
    loaded = modules(SERVED, str(house.config))
    assert "syncd.web.console" in loaded
    assert ("scim2_models" in loaded) == pushed
