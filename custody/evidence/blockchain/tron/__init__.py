"""TRON's own bytes: what a transaction asks for, who signed it, and the JSON that is shown beside it."""
