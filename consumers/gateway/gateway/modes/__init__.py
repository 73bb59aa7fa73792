"""Who may ask, on whose account and with whose key: one object a request."""
