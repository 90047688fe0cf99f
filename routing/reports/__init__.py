"""Company leads and team boards (A1, A2), speed, claims, fairness (R11): of whom, of which days, counted in the database.

An offer is the affair of the unit that made it: how many there were, and what became of them, its managers see for
whatever has happened to the leads since. What is told of a lead itself (when it came, where from, when it was first
contacted) is told only of leads the reader may read; and links lead to lists of those. An agent sees the offers made to
her, and no others.

A figure of leads counts those the reader may read. Redacted ones are counted beside, by nothing they conceal; of what
agents brought and own there is a number, under `private` not even that. `which.py` says which leads a figure counts:
the report counts, and the list behind it filters, by the same condition.
"""
