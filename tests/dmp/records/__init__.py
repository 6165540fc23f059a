"""Tests of dmp/records."""
