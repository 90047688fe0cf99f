"""Pages of the dialer."""
