"""No link of the console leads nowhere: every page is opened that can be reached from the first one, and none leads outside."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urldefrag, urljoin

from tests.house import House, staff
from tests.web_house import console_of

_LINK = re.compile(r'(?:href|src|action)="([^"]+)"')
_MOST = 400


def test_every_link_leads_somewhere(house: House) -> None:
    house.syncd("run")
    house.configure(budgets={"run": {"delete": {"count": 0}}})
    house.hire(staff(10))
    house.syncd("run")
    client = console_of(house).client
    todo, seen, broken = ["/console/"], set[str](), list[str]()
    while todo and len(seen) < _MOST:
        here = todo.pop()
        seen.add(here)
        with client.get(here) as answer:
            text = answer.text if answer.mimetype == "text/html" else ""
        if answer.status_code >= 400:
            broken.append(f"{answer.status_code} {here}")
        for found in _LINK.findall(text):
            there, _ = urldefrag(urljoin(here, unescape(found)))
            assert there.startswith("/"), f"{here} leads to {there}"
            form = f'action="{found}"' in text
            if there not in seen and not form and there.startswith("/console"):
                todo.append(there)
    assert broken == []
    assert {"/console/people", "/console/plans/2", "/console/runs/1", "/console/groups"} <= seen
