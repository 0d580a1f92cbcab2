"""Every speed that is claimed, measured beside its peer or limit on the same data in the same run.

    make bench                      all of it, up to 1,000,000 people
    make bench ARGS="--quick"       the same at a tenth of the size
    make bench ARGS="ingest"        one of: ingest, peers, load, start

Each side runs in a process of its own; sides take turns, and medians are compared. The report is also written to
`bench-report.json`.
"""
