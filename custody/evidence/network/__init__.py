"""Internet addresses and connections as evidence. An address identifies a connection, not a person."""
