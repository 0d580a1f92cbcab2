"""`syncd serve`: a small process that keeps others up, one that runs, and some that answer.

supervisor ── runs (agenda, performing, pulse)
           └─ web 1 … n (syncd.web.server)

supervisor   starts the others, starts them again, hands signals on, ends what is silent
following    run, and run again as soon as a source announces a change (`run --follow`)
agenda       what is due, and when: APScheduler       (when that is, by the configuration: syncd.planned)
running      the process that runs                    asked      wishes, taken and performed
systemd      what the system's manager is told
"""
