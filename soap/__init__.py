"""The wire: hardened XML parsing, SOAP 1.2, WS-Addressing, MTOM/XOP streaming, faults. Knows no XDS rule."""
