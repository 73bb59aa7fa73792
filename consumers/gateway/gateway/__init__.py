"""Creates workspaces, keeps vendors' keys from agents, and settles who pays."""
