"""Real servers and keys for the tests: PostgreSQL, an S3 server and a certification authority of their own."""
