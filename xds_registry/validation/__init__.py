"""What a submission must be before the database is asked: attributes, codes, structure. Pure functions of values."""
