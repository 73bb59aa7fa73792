"""One request on its way from a guest to a vendor and back."""
