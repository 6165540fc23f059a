"""Tests of dmp/authorisations."""
