"""Lead filters and what they match; campaigns, skills."""
