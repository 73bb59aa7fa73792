"""Measures the compiler and its artifacts against other ways to do the same, on one machine."""
