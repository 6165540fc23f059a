"""What each command does, and how it ends."""
