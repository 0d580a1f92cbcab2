"""Telling people by themselves: what happened that they must know, by mail or whatever else apprise can reach.

    gathering   what is to be told, from what the store holds: no run waits for it, nothing is lost when one is killed
    texts       words, by templates in a sandbox
    courier     delivery: at least once, later again when it fails, not too much at a time
    sending     one receiver, in a process of its own that is ended when it takes too long
    chart       the picture in the weekly digest

May not: make a run fail or wait. Who is told stands in the configuration alone.
"""
