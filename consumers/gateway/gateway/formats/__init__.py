"""What goes over the wire: requests, answers, events, and conversions between them."""
