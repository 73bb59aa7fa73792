"""The database: its tables, its transactions, and what is sealed in it."""
