"""The dialer's room: campaigns, hopper, agent desktop."""
