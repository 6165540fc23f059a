"""Keys in files and on tokens."""
