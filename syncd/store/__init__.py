"""Everything long-lived, over SQLAlchemy Core: a process can be killed at any moment, and the next one goes on.

Portable statements only: the same ones run on SQLite and on PostgreSQL. Nothing here decides anything.
"""
