"""E-mails to leads: written by hand, by templates, in bulk, by drip plans; sent, retried, and left alone where asked."""
