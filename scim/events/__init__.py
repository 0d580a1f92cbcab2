"""Security event tokens of what changed (RFC 9967 over RFC 8417): written with the change, signed, and delivered by push or poll.

At least once: an event leaves the store when its receiver acknowledged it, said that it cannot take it, or was silent for too
long. May not: read people or groups; an event says who changed and which attributes, never what stands in them (`notice`).
"""
