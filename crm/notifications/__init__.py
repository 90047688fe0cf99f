"""Telling people: in the page and by e-mail. One door: `notify()`."""
