"""The embedded Fluix account: the rules of the Users guide over our own store. A target, and the twin for rehearsals.

Rooms: `tables` (what is stored) · `connection` (transactions, errors) · `reading`, `dossiers` (what is asked) · `applying`
(one call, idempotency) with the verbs in `users`, `groups`, `leaving` · `admin` (the command line's functions) ·
`rehearsal` (the account as one plain file) · `embedded` (the class that puts them together).
"""

from connectors.fluix.account.embedded import EmbeddedAccount
from connectors.fluix.account.tables import account_metadata

__all__ = ["EmbeddedAccount", "account_metadata"]
