"""The messages that are not HL7's: sequences of texts, answered with a status and a context.

Source: GIE SESAM-Vitale, DMP: interfaces LPS (Habilitations.wsdl, PatientsSpecific.wsdl).
"""
