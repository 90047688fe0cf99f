"""What lead sources really send, read into one shape. Pure: no database, no clock, no settings, no network."""
