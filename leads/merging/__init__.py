"""Duplicates (I6): finding them, and making one lead of several."""
