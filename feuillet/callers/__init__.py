"""Who asks: the other end of a connection, the trust in what it shows, and the admission of its assertion, once."""
