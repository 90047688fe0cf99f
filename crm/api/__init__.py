"""The API at `/api/v1/` (I3): what a person may do, a program of hers may do with a token."""
