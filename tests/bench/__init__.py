"""Every speed that is claimed, measured beside its peer or limit on the same data in the same run.

    make bench                      all of it, up to 1,000,000 people
    make bench ARGS="--quick"       the same at a tenth of the size
    make bench ARGS="ingest"        one of: ingest, peers, load, start, account, portal, ldap
    make bench ARGS="ldap --plan"   a part of it: --reading, --plan, --nested, --growth
    make bench ARGS="ldap --growth --million"    up to 1,000,000 people: minutes
    make bench ARGS="million --million"   a directory of 1,000,000 to their devices, on PostgreSQL: the better part of an hour, or more
    make bench ARGS="postgresql --million"   the store on PostgreSQL beside SQLite; 100,000 people without --million

Each side runs in a process of its own; sides take turns, and medians are compared. The report is also written to
`bench-report.json`, with machine and versions, and as a page with charts to `bench-report.html`; with `--keep` the rows of
benches that are not run now stay in it. `goals` says what is held against what; `guard` (`make guard`) judges ratios in CI.
"""
