"""The Document Repository: bytes are stored once, registered, verified and given back as they came."""
