"""Counts work that no load on a machine changes: instructions, bytecodes, calls, allocations."""
