"""One manifest of LLM providers, compiled to equal routing tables in three languages."""
