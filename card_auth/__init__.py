"""Who asks: certificates, keys, readers, trust and VIHF assertions. The result of it all is a `Caller`.

Runs on a workstation as well as on a server: no database, no web server; cards need the optional extra `card`.
"""
