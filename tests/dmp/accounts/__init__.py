"""Tests of dmp/accounts."""
