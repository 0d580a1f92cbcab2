"""Approving what a plan holds, and asking the daemon to apply what may proceed.

An approval says back what was looked at: the plan's digest, and the newest approval that was shown. What others decided
meanwhile is told, and nothing is doubled.
"""

from __future__ import annotations

from typing import Annotated, Literal

from flask_babel import gettext as _
from flask_babel import ngettext
from pydantic import Field

from syncd.approving import LookedAt, approve
from syncd.errors import UsageError
from syncd.store import plan_pages, plans
from syncd.store.plan_pages import Filter
from syncd.web.desk import Desk, Done, Form
from syncd.web.errors import RefusedError
from syncd.web.frame import Room
from syncd.web.pages.plans import approvers, head_of, lasts
from syncd.web.roles import Role

room = Room()


class Approve(Form):
    """A yes."""

    digest: Annotated[str, Field(description="Of the plan that was looked at.")]
    seen: Annotated[int, Field(ge=0, description="The newest approval that was shown with it; 0: none was.")]
    which: Annotated[Literal["ticked", "matching"], Field(description="`keys`, or all that wait and match the filter.")]
    comment: Annotated[str, Field(min_length=1, max_length=1000, description="Why; kept in the audit.")]
    keys: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    kind: str | None = None
    source: str | None = None
    group: str | None = None
    text: str = ""


class Apply(Form):
    """Nothing is to be said."""


@room.deed("/plans/<int:plan_id>/approve", Role.APPROVER)
def approve_plan(desk: Desk, form: Approve, plan_id: int) -> Done:
    """Approve what a plan holds: the named changes, or all that match a filter."""
    head = head_of(desk, plan_id)
    rules = desk.app.config.approvals
    keys = form.keys
    if form.which == "matching":
        known = approvers(plans.approvals_of(desk.store, head.digest), head.digest, desk.now)
        wanted = Filter(None, form.kind, form.source, form.group, form.text)
        keys = tuple(plan_pages.waiting_keys(desk.store, plan_id, wanted, known))
    if not keys and plans.last_seen(desk.store, head.digest) <= form.seen:
        raise RefusedError(_("nothing was approved: no change was chosen"), cure=_("tick at least one that is held"))
    try:
        approval = approve(
            desk.store,
            plan_id,
            approver=desk.who.name,
            comment=form.comment,
            only=keys,
            now=desk.now,
            lasts=lasts(desk),
            four_eyes=rules.four_eyes,
            looked_at=LookedAt(form.digest, form.seen),
        )
    except UsageError as error:
        raise RefusedError(error.what, where=f"/plans/{plan_id}", cure=error.cure) from error
    count = len(approval.keys)
    said = ngettext(
        "%(count)s change of plan %(plan)s approved, until %(until)s UTC.",
        "%(count)s changes of plan %(plan)s approved, until %(until)s UTC.",
        count,
        count=f"{count:,}",
        plan=f"p{plan_id}",
        until=f"{approval.expires_at:%Y-%m-%d %H:%M}",
    )
    return Done(message=said, go=f"/plans/{plan_id}")


@room.deed("/plans/<int:plan_id>/apply", Role.OPERATOR)
def apply_plan(desk: Desk, form: Apply, plan_id: int) -> Done:
    """Ask for a plan to be applied: what is approved, and what needs no approval."""
    del form
    head = head_of(desk, plan_id)
    if desk.now - head.created_at > lasts(desk):
        raise RefusedError(
            _("plan p%(plan_id)s is too old to be applied", plan_id=plan_id), cure=_("ask for a new plan")
        )
    desk.wish("apply", plan_id=plan_id)
    return Done(
        message=_("Plan p%(plan_id)s will be applied as soon as no other run is under way.", plan_id=plan_id),
        go="/runs",
    )
