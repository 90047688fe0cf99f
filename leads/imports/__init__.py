"""A file of leads on its way in: read, matched, known again where it is a duplicate, loaded by COPY."""
