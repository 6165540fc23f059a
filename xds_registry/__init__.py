"""The Document Registry: metadata is registered, related, queried and never forgotten."""
