"""ebRIM 3.0: registry objects as XML, both ways (ITI TF-3: 4.2.1)."""
