"""The record's law: what the DMP allows, and the trail of every decision.

Knows whom card_auth has verified; knows neither the wire nor how metadata and documents are kept.
"""
