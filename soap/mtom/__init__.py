"""MTOM/XOP packages, read and written as streams: multipart/related with a SOAP 1.2 root. ITI TF-2: V.8, XOP 1.0."""
