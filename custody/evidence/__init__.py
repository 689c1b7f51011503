"""Other people's formats, read only, without I/O of their own."""
