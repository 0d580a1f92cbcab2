"""Fluix: the embedded account, its CSV files, and (as work orders) the real portal.

Only what the Users guide or another public page says is kept here as Fluix's behaviour; no interface is invented.
"""
