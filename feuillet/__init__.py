"""The front door: settings, command line, composition of the rooms into one server, logs and metrics."""
