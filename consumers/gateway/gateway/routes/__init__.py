"""The service's routes, one module a kind of caller."""
