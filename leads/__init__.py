"""Leads and all that is done to them: contact points, assignments, activities; import; search."""
