"""The processes of a running server: a supervisor, a listener per address with its workers, and a companion."""
