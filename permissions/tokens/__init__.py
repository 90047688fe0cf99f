"""Keys to the API: made, shown once, revoked (I3)."""
