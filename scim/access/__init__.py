"""Who may call, how often, and what is kept of each call: tokens, OAuth clients, rate limits and the call audit.

May not: read or write people and groups, or know what a request means. `gate.Gate` is the room's door: the provider's app calls
`admit` before a request is read, `normalise` once it is parsed, and `told` when it was answered. Nothing is imported here, since
the store's migrations need the tables alone.
"""
