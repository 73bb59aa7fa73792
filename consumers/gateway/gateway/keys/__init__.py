"""Keys and tokens: whose they are, where they come from, and who must never see them."""
