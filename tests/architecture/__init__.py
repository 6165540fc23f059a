"""What holds for every module, whatever it does."""
