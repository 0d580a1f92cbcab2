"""Managed app config: what an admin of any MDM imports, so that the login page of Fluix shows each person's email.

    values      what may stand in a config: characters, emails, tokens, identifiers
    model       a config, a person, and the settings of both modes
    vendors     one table: which MDM takes which form and which token, and how sure that is
    plist       writing, with every file read back by a second parser;  reading: hostile files, one error type
    commands, declarative, specfile, forms, tables     the outputs
    steps, pages     what an admin clicks
    bundle      everything in one deterministic ZIP;  delta: only what changed
    lint, merge     an admin's own file

May not: import anything else of ours, open a store or a network, or guess an identifier, a token or an email.
"""
