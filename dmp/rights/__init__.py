"""Who may do what with a record."""
