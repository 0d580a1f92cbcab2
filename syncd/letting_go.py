"""Why somebody's account must not be deleted without a person's yes, by what Fluix knows of it at this moment."""

from __future__ import annotations

from connectors.errors import ConnectorError
from syncd.bootstrap import App, farewells_of
from syncd.core.change import Change, Decision, RecordKey
from syncd.core.leaving import farewell
from syncd.store import links


def objections(app: App, source: str, external_id: str) -> str | None:
    """What the checks of a deletion would say of this record's account now; None: nothing, or there is no account.

    Who would get the documents is worked out with the plan, and is no objection here.
    """
    key = RecordKey(source, external_id)
    fluix_id = links.accounts_of(app.store, [key]).get(key)
    if fluix_id is None:
        return None
    target, policy = app.target(), farewells_of(app.config)
    try:
        account = target.get([fluix_id]).get(fluix_id)
        dossier = target.dossiers([fluix_id]).get(fluix_id)
    except ConnectorError as error:
        return f"nobody can say what deleting this account would break: {error.what}"
    if account is None:
        return None
    change = Change("delete_user", account.email, fluix_id=fluix_id, records=(key,))
    _, findings = farewell(change, dossier, policy)
    reassigns = policy.documents == "reassign" and dossier is not None and dossier.drafts is not None
    said = [
        finding.message
        for finding in findings
        if finding.decision is not Decision.PROCEED and not (reassigns and finding.check == "documents")
    ]
    return "; ".join(said) or None
