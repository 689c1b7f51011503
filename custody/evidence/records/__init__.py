"""Rows about connections, coins, pictures and pages: one contract for all their readers, one written form."""
