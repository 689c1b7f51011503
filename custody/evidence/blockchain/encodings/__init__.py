"""The encodings of the chains: texts to bytes and back, and their checksums. Pure, and knowing no chain's rules."""
