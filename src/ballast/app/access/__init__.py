"""Who may ask: credentials, and the callers they stand for."""
