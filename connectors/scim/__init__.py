"""A SCIM 2.0 service as its client sees it (RFC 7643, RFC 7644, RFC 9865): what the source and the target have in common."""
