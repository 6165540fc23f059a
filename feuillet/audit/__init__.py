"""The audit trail in a server: its key and its receivers, what the server says in it itself, its checkpoints."""
