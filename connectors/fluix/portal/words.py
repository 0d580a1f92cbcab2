"""An item in words: what it comes to, and the steps by which an admin does it in the Admin Portal. Pure.

Only what Fluix's Users guide says is told as a fact: users are managed under Configuration > Users; a user who takes part in
a workflow cannot be deleted; documents are reassigned or downloaded in Document Status. What an export does not tell (role,
workflows, documents) is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.fluix.portal.book import Item
from connectors.model import Verb

SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "groups": ("Groups", ("rename_group", "create_group")),
    "import": ("Import new people", ()),
    "create": ("Add people by hand", ("create_user",)),
    "update": ("Change users", ("update_user",)),
    "join": ("Add to groups", ("add_member",)),
    "part": ("Take out of groups", ("remove_member",)),
    "invite": ("Resend invitations", ("resend_invite",)),
    "farewell": ("Before deleting", ("reassign_documents", "leave_workflows")),
    "delete": ("Delete users", ("delete_user",)),
}
"""The parts of a checklist in the order in which they are done: key -> title and verbs."""

_OF = {verb: key for key, (_, verbs) in SECTIONS.items() for verb in verbs}
_USERS = "Configuration > Users"


def placed(items: Sequence[Item]) -> list[Item]:
    """The items in the order in which they are done, numbered so."""
    order = list(SECTIONS)
    ranked = sorted(items, key=lambda item: (order.index(section(item)), item.place))
    return [replace(item, place=number) for number, item in enumerate(ranked, 1)]


def section(item: Item) -> str:
    """The part of the checklist in which an item stands."""
    return "import" if item.in_import else _OF[item.verb]


def title(item: Item) -> str:
    """What an item comes to, in one line."""
    form = _TITLES[item.verb]
    if item.verb == "update_user" and "email" in item.values:
        form = "Change the email of {who} to {email}"
    elif item.verb == "reassign_documents" and not item.values["to"]:
        form = "Give up the documents of {who}"
    return form.format_map({**item.values, "who": item.why.user})


_TITLES: dict[Verb, str] = {
    "create_group": "Create the group {display_name}",
    "rename_group": "Rename the group {display_name} to {new_name}",
    "create_user": "Add {display_name}, {email}",
    "update_user": "Rename {who} to {display_name}",
    "add_member": "Add {who} to the group {group}",
    "remove_member": "Take {who} out of the group {group}",
    "resend_invite": "Resend the invitation of {who}",
    "reassign_documents": "Reassign the documents of {who} to {to}",
    "leave_workflows": "Remove {who} from workflows",
    "delete_user": "Delete {who}",
}


def steps(item: Item) -> list[str]:
    """How it is done, one sentence a step."""
    return list(_STEPS[item.verb](item, item.why.user))


def _create_group(item: Item, _who: str) -> Iterator[str]:
    name = item.values["display_name"]
    yield f"Create a group named exactly {name}, unless it is there: an export shows no group without members."


def _rename_group(item: Item, _who: str) -> Iterator[str]:
    yield f"Rename the group {item.values['display_name']} to exactly {item.values['new_name']}; its members stay."


def _create_user(item: Item, _who: str) -> Iterator[str]:
    values = item.values
    yield f"In {_USERS}, add a user: name {values['display_name']}, email {values['email']}. An invitation is sent."
    yield "Groups are asked for below, each as an item of its own."


def _update_user(item: Item, who: str) -> Iterator[str]:
    values = item.values
    yield f"In {_USERS}, open {who}."
    if "email" in values:
        yield f"Change the email to {values['email']}. From then on the person logs in with it: tell him or her first."
    if "display_name" in values:
        yield f"Change the name to {values['display_name']}."


def _add_member(item: Item, who: str) -> Iterator[str]:
    yield f"In {_USERS}, open {who} and add the group {item.values['group']}. It gives access to the group's workflows."


def _remove_member(item: Item, who: str) -> Iterator[str]:
    yield f"In {_USERS}, open {who} and take away the group {item.values['group']}."


def _resend_invite(_item: Item, who: str) -> Iterator[str]:
    yield f"In {_USERS}, open {who} and choose Resend invite. It is there only for who never logged in."


def _reassign(item: Item, who: str) -> Iterator[str]:
    documents, receiver = _documents(item.why.before), item.values["to"]
    if receiver:
        yield f"In Document Status, reassign {documents} of {who} to {receiver}."
    else:
        yield f"In Document Status, download {documents} of {who} if anybody may need them."


def _leave(item: Item, who: str) -> Iterator[str]:
    parts = item.why.before.get("workflows")
    for part in parts or ():
        yield f"Remove {who} from the workflow {part['workflow']}, step {part['step']}."
    if not parts:
        yield f"Look through the workflows, and remove {who} from each step in which he or she takes part."


def _delete(item: Item, who: str) -> Iterator[str]:
    before = item.why.before
    stop = "If so, stop: do not delete, and ask who approved this."
    if before.get("role") is None:
        yield f"See whether {who} is the owner or holds a role. {stop}"
    else:
        yield f"See whether {who} is the owner. {stop}"
        if before["role"]:
            yield f"{who} holds the role {before['role']}: see that another admin remains."
    if before.get("workflows") is None:
        yield (
            f"Remove {who} from every workflow in which he or she takes part: Fluix does not let such a user be deleted. "
            "Where nobody would be left in a step, put somebody else there first."
        )
    if before.get("drafts") is None or before.get("assigned") is None:
        yield f"In Document Status, look for drafts and assigned documents of {who}; download or reassign what is needed."
    yield f"In {_USERS}, select {who}, choose Delete, and confirm. Fluix keeps deleted data for 30 days."


def _documents(before: Mapping[str, Any]) -> str:
    drafts, assigned = before.get("drafts"), before.get("assigned")
    if drafts is None or assigned is None:
        return "every draft and assigned document"
    return f"the {drafts} drafts and {assigned} assigned documents"


_STEPS: dict[Verb, Callable[[Item, str], Iterator[str]]] = {
    "create_group": _create_group,
    "rename_group": _rename_group,
    "create_user": _create_user,
    "update_user": _update_user,
    "add_member": _add_member,
    "remove_member": _remove_member,
    "resend_invite": _resend_invite,
    "reassign_documents": _reassign,
    "leave_workflows": _leave,
    "delete_user": _delete,
}
