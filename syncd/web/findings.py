"""What checks say of a plan. It is kept as English sentences; here they are told in the language of who reads.

The forms are those of `syncd.core`, check by check; a finding that has none of them is told in English.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from syncd.sayings import Said
from syncd.web.forms import Forms
from syncd.web.reasons import REASONS

_COUNTED: Final = Forms(
    Said("%(number)s new account"),
    Said("%(number)s new accounts"),
    Said("%(number)s changed name"),
    Said("%(number)s changed names"),
    Said("%(number)s changed email"),
    Said("%(number)s changed emails"),
    Said("%(number)s deletion"),
    Said("%(number)s deletions"),
    Said("%(number)s removal from groups"),
    Said("%(number)s removals from groups"),
    Said("%(number)s change of admins"),
    Said("%(number)s changes of admins"),
    Said("%(number)s removal from %(group)s"),
    Said("%(number)s removals from %(group)s"),
)
_IN_PLAN: Final = Forms(
    Said("%(counted)s in the last 24 hours and %(now)s in this plan"),
    Said("%(counted)s in the last 7 days and %(now)s in this plan"),
    Said("%(counted)s in this plan"),
    parts={"counted": _COUNTED},
)
_OVER: Final = Forms(
    Said("%(number)s is over the budget of %(limit)s a run (%(key)s)"),
    Said("%(number)s is over the budget of %(limit)s a day (%(key)s)"),
    Said("%(number)s is over the budget of %(limit)s a week (%(key)s)"),
    Said("%(percent)s %% is over the budget of %(limit)s %% (%(share)s managed accounts; %(key)s)"),
    Said("%(percent)s %% is over the budget of %(limit)s %% (%(share)s members; %(key)s)"),
    between=Said(" and "),
)
_WAITS: Final = Forms(
    Said("until %(moment)s"),
    Said("for %(number)s more certified read"),
    Said("for %(number)s more certified reads"),
    Said("for a certified read of its source"),
    between=Said(" and "),
)

FINDINGS: Final[dict[str, Forms]] = {
    "budget": Forms(Said("%(changes)s: %(over)s"), parts={"changes": _IN_PLAN, "over": _OVER}),
    "certificate": Forms(Said("%(source)s was not read whole, so nobody more counts as gone: %(problems)s")),
    "shrink": Forms(
        Said(
            "%(group)s shrank from %(before)s to %(now)s members in the last 7 days (%(percent)s %%, over shrink.max_percent "
            "%(limit)s %%): its absences are held"
        ),
        Said(
            "%(group)s shrank from %(before)s to %(now)s members (%(percent)s %%, over shrink.max_percent %(limit)s %%): "
            "its absences are held"
        ),
        Said(
            "%(source)s shrank from %(before)s to %(now)s accounts in the last 7 days (%(percent)s %%, over shrink.max_percent "
            "%(limit)s %%): its absences are held"
        ),
        Said(
            "%(source)s shrank from %(before)s to %(now)s accounts (%(percent)s %%, over shrink.max_percent %(limit)s %%): "
            "its absences are held"
        ),
    ),
    "seats": Forms(
        Said("%(number)s person waits for a seat: %(taken)s of %(limit)s are taken"),
        Said("%(number)s people wait for a seat: %(taken)s of %(limit)s are taken"),
    ),
    "waiting": Forms(
        Said("%(email)s left (%(reason)s); the account waits %(waits)s"), parts={"reason": REASONS, "waits": _WAITS}
    ),
    "adoption": Forms(
        Said("%(number)s account there already becomes ours: %(emails)s; 1 other matches nobody and stays untouched"),
        Said(
            "%(number)s account there already becomes ours: %(emails)s; %(others)s others match nobody and stay untouched"
        ),
        Said("%(number)s accounts there already become ours: %(emails)s; 1 other matches nobody and stays untouched"),
        Said(
            "%(number)s accounts there already become ours: %(emails)s; %(others)s others match nobody and stay untouched"
        ),
        Said("%(number)s account there already becomes ours: %(emails)s"),
        Said("%(number)s accounts there already become ours: %(emails)s"),
    ),
    "deleted_by_hand": Forms(
        Said("%(email)s was deleted in Fluix by hand, but is still in the directory: approve to create it again")
    ),
    "new_key": Forms(
        Said(
            "%(email)s: the key changed from %(old)s to %(new)s. The same person? Then approve, and the account goes on. "
            "Another person with that address? Then delete the account in Fluix first"
        )
    ),
    "group_missing": Forms(
        Said("%(email)s should be in %(group)s, which is not in Fluix (groups.create: false): left out")
    ),
    "group_name_taken": Forms(
        Said(
            "%(group)s was renamed from %(old)s to %(new)s, but shares a group with others: its members are moved one by one"
        ),
        Said(
            "%(group)s was renamed from %(old)s to %(new)s, which is another group already: %(joining)s would be put into "
            "%(again)s, %(parting)s taken out of %(former)s. Are the two one group now? Then approve. Otherwise give it "
            "another name"
        ),
    ),
    "last_admin": Forms(
        Said("%(names)s: %(number)s of %(admins)s admins would leave, and nobody could administer the account")
    ),
    "workflow_shared": Forms(Said("%(names)s all leave %(workflow)s / %(step)s: see in Fluix who is left there")),
    "capability": Forms(
        Said("the target cannot do %(verb)s: %(number)s changes of kind %(kind)s are left out"),
    ),
    "email_differs": Forms(Said("%(names)s: %(source)s stands first in `sources`, its email counts")),
    "drift": Forms(
        Said('%(email)s: %(attribute)s was changed in Fluix by hand to "%(now)s", we gave "%(given)s": set back'),
        Said(
            '%(email)s: %(attribute)s was changed in Fluix by hand to "%(now)s", we gave "%(given)s": left as it is '
            "(people.on_drift: report)"
        ),
        Said(
            '%(email)s: %(attribute)s was changed in Fluix by hand to "%(now)s", we gave "%(given)s": the directory has '
            'changed since and now says "%(wanted)s", which counts'
        ),
        Said(
            "%(email)s: groups were changed in Fluix by hand, taken out of %(groups)s, which we gave for %(givers)s: put back"
        ),
        Said(
            "%(email)s: groups were changed in Fluix by hand, taken out of %(groups)s, which we gave for %(givers)s: left as "
            "it is (people.on_drift: report)"
        ),
    ),
    "protected": Forms(Said("%(email)s is on the protected list (leavers.protected)")),
    "owner": Forms(Said("%(email)s is the owner of the account: only Fluix support can change that")),
    "admin": Forms(Said("%(email)s holds the admin role %(role)s")),
    "unknown": Forms(
        Said("%(email)s may be the owner: the account does not tell"),
        Said("%(email)s may hold an admin role: the account does not tell"),
        Said("%(email)s may take part in workflows: the account does not tell"),
        Said("%(email)s may have drafts or assigned documents: the account does not tell"),
    ),
    "workflow_alone": Forms(
        Said("%(email)s is the only one in %(places)s: put somebody else there in Fluix first"),
    ),
    "workflow": Forms(Said("%(email)s takes part in %(places)s (leavers.workflows: hold)")),
    "documents": Forms(
        Said(
            "%(email)s has %(drafts)s drafts and %(assigned)s assigned documents: approving gives them up "
            "(leavers.documents: hold)"
        ),
        Said(
            "%(email)s has %(drafts)s drafts and %(assigned)s assigned documents, and nobody is known to take them"
            "%(why)s: approving gives them up"
        ),
        Said(
            "%(email)s has %(drafts)s drafts and %(assigned)s assigned documents, and nobody is known to take them: "
            "approving gives them up"
        ),
    ),
    "quarantine": Forms(
        Said(
            "%(source)s was not read: its last %(number)s reads failed, since %(since)s (%(why)s); it is tried again from "
            "%(until)s on, or now with `%(command)s`"
        ),
        Said(
            "%(source)s is left alone for a while: its last %(number)s reads failed, since %(since)s (%(why)s); it is tried "
            "again from %(until)s on, or now with `%(command)s`"
        ),
        Said(
            "%(source)s is read again, after %(number)s failed reads since %(since)s (the last: %(why)s)",
        ),
    ),
    "returning": Forms(
        Said(
            "1 new user was deleted within the last 30 days: %(people)s. If it is the same person, ask Fluix support to recover "
            "the set-up: `syncd restore ticket EMAIL` writes the text"
        ),
        Said(
            "%(number)s new users were deleted within the last 30 days: %(people)s. If it is the same person, ask Fluix support "
            "to recover the set-up: `syncd restore ticket EMAIL` writes the text"
        ),
    ),
    "last_days": Forms(
        Said(
            "%(users)s can be recovered by Fluix support for %(days)s at most: %(people)s. See `syncd restore list`",
        ),
        parts={
            "users": Forms(Said("1 deleted user"), Said("%(number)s deleted users")),
            "days": Forms(Said("1 more day"), Said("%(number)s more days")),
        },
    ),
    "withdrawn": Forms(Said("%(key)s was asked for in work order %(order)s, and must not be done any more")),
    "ordered": Forms(Said("work order %(order)s has waited for %(days)s days with %(number)s open items: %(keys)s")),
}
"""Check -> its forms."""


def finding(check: str, message: str) -> str:
    """What a check says, in the reader's language as far as its form is known."""
    return FINDINGS[check].told(message) if check in FINDINGS else message


def forms() -> Iterator[Said]:
    """All of them, for tests."""
    for one in (*FINDINGS.values(), _COUNTED, _IN_PLAN, _OVER, _WAITS):
        yield from one.forms
