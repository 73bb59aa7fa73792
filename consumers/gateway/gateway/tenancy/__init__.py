"""Workspaces and their sessions: which may exist, who pays, and what a guest gets."""
