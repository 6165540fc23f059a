"""Measures the product beside floors that no implementation can beat, in one run, on this machine.

`make bench` runs it; `docs/performance.md` says how to read what it prints.
"""
