"""Who may use the console: people with a password or by an identity provider, and programs with a token.

`doors` are the pages for whoever is not in yet, `house` tells the frame who calls; the rest keeps one table each. Nothing that
lets somebody in is kept as it is: passwords as argon2id, everything else, which is random, as SHA-256.
"""
