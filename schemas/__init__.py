"""The vocabulary of document sharing: metadata model, ebRIM codec, data types, value sets, XSD and WSDL.

Pure: no clock, no network, no database, no input or output beyond the files this package ships.
"""
