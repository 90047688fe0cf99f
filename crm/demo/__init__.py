"""The demo: two made-up companies to look around in."""
