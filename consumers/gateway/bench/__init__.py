"""Measures what the gateway costs a request, beside calling the vendor directly and a rival."""
