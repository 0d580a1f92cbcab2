"""What identity providers send that the RFCs do not say, each brought into the RFCs' own form before anything else reads it.

A dialect is a small table of lines: a rule, what it does in words, and where the provider (or somebody who met it) says so.
Rules are pure functions of one exchange. May not: read a store, know a tenant's people, or refuse anything; a request that a
rule does not understand is passed on as it came, and the provider proper answers it.
"""

from scim.dialects.exchange import Exchange, same
from scim.dialects.providers import DIALECTS
from scim.dialects.table import Answer, Dialect, Line, normalise

__all__ = ["DIALECTS", "Answer", "Dialect", "Exchange", "Line", "normalise", "same"]
