"""What is done to leads. Each verb is one transaction, checks the actor's level, and writes the ledger where it must."""
