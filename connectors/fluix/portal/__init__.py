"""The real Fluix, as far as a program can reach it: its users export is read, and an admin is told what to do.

Fluix offers no API that we know of, so none is used. Rooms: `settings` (what can be set) · `export` (reading one file),
`guards` (whether it is believed) · `proof` (who is who, and what an export shows to be done) · `book` (what is kept
between runs, and the interface to whoever keeps it) · `words` (an item's steps for a person) · `imports`, `checklist`,
`delivery` (the files of a work order) · `notice` (telling a Taskstream) · `target` (the class that puts them together).
"""
