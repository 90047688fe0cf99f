"""Companies, their tree of units, the people in it: who is a member of what, and who manages whom."""
