"""The messages of the DMP's own services as values: each is read and written here, and nothing is decided.

`read(element)` raises `MessageRefused`; `write(value)` gives the bytes of one self-contained element.
"""
