"""Measures the product beside floors that no implementation can beat, in one run, on this machine.

`make bench` runs it; `--help` lists what can be measured.
"""
