"""Telling people: in the page, by e-mail and by web push. One door: `notify()`."""
