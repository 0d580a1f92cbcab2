"""LDAP directories: OpenLDAP, Active Directory, Samba, 389 Directory Server, FreeIPA and whatever speaks LDAP version 3.

Read-only: nothing here ever changes a directory. A read that was not whole is never certified.
"""
