"""The benchmark: a company of a million leads in a database of its own, and what the product does with it in what time."""
