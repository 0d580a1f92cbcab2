"""What an admin does by hand. Each change is one transaction, and one step with the verbs' own rules wherever a verb does it.

Rooms: `people` (finding, and how a user is shown) · `lists` (search, filters, pages) · `details` · `changes` (add, edit,
invite, delete) · `roles` · `imports`, `exports` · `groups` · `workflows` · `documents` · `history` (the activity) ·
`user_data` (what a user may ask for) · `early_access`. They decide nothing that a verb decides already, and they print nothing.
"""
