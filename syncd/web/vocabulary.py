"""Words that come from elsewhere (states, roles, steps) and are shown translated: named here, so that catalogues have them."""

from __future__ import annotations

from typing import Final

from flask_babel import lazy_gettext

WORDS: Final = (
    *(lazy_gettext("proceed"), lazy_gettext("hold"), lazy_gettext("refuse")),
    *(lazy_gettext("running"), lazy_gettext("done"), lazy_gettext("failed"), lazy_gettext("interrupted")),
    *(lazy_gettext("approved"), lazy_gettext("waiting"), lazy_gettext("refused")),
    *(lazy_gettext("stale"), lazy_gettext("skipped"), lazy_gettext("unproven"), lazy_gettext("ordered")),
    *(lazy_gettext("open"), lazy_gettext("written"), lazy_gettext("confirmed"), lazy_gettext("withdrawn")),
    *(lazy_gettext("viewer"), lazy_gettext("operator"), lazy_gettext("approver"), lazy_gettext("admin")),
    *(lazy_gettext("read"), lazy_gettext("scope"), lazy_gettext("map"), lazy_gettext("match"), lazy_gettext("merge")),
    *(lazy_gettext("diff"), lazy_gettext("policy"), lazy_gettext("approval"), lazy_gettext("outcome")),
)
