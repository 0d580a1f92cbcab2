"""What a process has no use for is not in its memory: an idle daemon stays small, and is there soon."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.house import House

LARGE = ("PIL", "apprise", "flask", "scim2_models", "authlib", "httpx", "ldap3")
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


def test_the_starter_and_what_runs_load_nothing_of_the_web_side_and_no_pictures() -> None:
    loaded = modules("import json, sys, syncd.cli.serve; print(json.dumps(sorted(sys.modules)))")
    assert "syncd.daemon.running" in loaded
    assert not loaded & {*LARGE, "syncd.web.app", "syncd.web.server"}


@pytest.mark.parametrize("pushed", [False, True])
def test_scim_is_loaded_where_somebody_pushes(house: House, pushed: bool) -> None:
    if pushed:
        house.configure(sources=[*house.settings["sources"], {"name": "okta", "type": "scim_push"}])
    loaded = modules(SERVED, str(house.config))
    assert "syncd.web.console" in loaded
    assert ("scim2_models" in loaded) == pushed
