"""Tables (CSV, XLSX) of messages: read by a mapping that a person states, never by a guess at what a column means."""
