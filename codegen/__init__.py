"""One manifest of LLM providers, compiled to equal routing tables in three languages."""

__version__ = "0.1.0"
