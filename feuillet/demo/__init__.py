"""A registry and repository to try: keys, configuration, database and documents made on the spot."""
