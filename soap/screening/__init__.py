"""What the bytes of a foreign XML document say before any parser sees them."""
