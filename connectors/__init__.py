"""The outside: how records come in and changes go out.

Each module here speaks to one kind of system. Nothing in this package knows the engine (`syncd`), and nothing in it
decides: a source tells what it saw and whether that was all of it, a target tells what it holds and does what it is told.
"""
