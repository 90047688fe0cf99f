"""Who may do what, and the proof: profiles, access rules, redaction, ledger."""
