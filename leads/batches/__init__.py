"""Mass actions (M3–M6): a verb done to many leads, previewed, run in chunks, and undone."""
