"""How the database came to its present form, revision by revision, and how to bring another one there."""
