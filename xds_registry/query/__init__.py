"""ITI-18 Registry Stored Query and ITI-51 Multi-Patient Stored Query: from parameters to SQL to the answer."""
