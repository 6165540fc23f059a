"""Readers, through a real PC/SC service."""
