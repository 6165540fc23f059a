"""The front door: settings, commands, processes, migrations."""
