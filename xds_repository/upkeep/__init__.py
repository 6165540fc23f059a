"""Looking after what is kept: clearing away what unfinished work left, and proving that the rest is right."""
