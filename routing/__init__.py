"""Who is next: rosters, offers and their clocks, and the record of every decision."""
