"""Reading the company's ledger (M7) as far as the reader may: a fact about a lead she may not see keeps its secrets."""
