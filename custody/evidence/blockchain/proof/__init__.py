"""What a payment's bytes prove of what was said about it: a ladder of steps, chain by chain (see prove.py beside)."""
