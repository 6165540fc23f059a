"""The record's law."""
