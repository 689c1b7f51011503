"""Hostile input: every reader of outside bytes, mutators that know its format, and two engines (see __main__)."""
