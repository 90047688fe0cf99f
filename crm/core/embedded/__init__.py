"""A PostgreSQL and a Redis-compatible server of our own, for when none is given."""
