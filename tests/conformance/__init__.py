"""Conformance cases of IHE XDS.b, run against a whole server."""
