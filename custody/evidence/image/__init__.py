"""Pictures as evidence: what a file says of itself, with each byte's place. Nothing here judges a picture."""
