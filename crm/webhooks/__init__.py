"""Webhooks out (I5): what happens to leads is told to programs, each in the name of one person."""
