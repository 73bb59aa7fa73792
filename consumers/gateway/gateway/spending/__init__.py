"""Budgets: users, prices, holds, and how each request ends for the one who pays."""
