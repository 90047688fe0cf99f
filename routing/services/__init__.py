"""Handing leads out, claiming them, and keeping the rosters."""
