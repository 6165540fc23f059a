"""What a submission must be: attributes, codes and structure as pure functions; relationships with the database."""
