"""What a submission must be: attributes, codes, structure as pure functions of values; relationships with the database."""
