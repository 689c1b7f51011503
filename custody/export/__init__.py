"""Ways out: bag, zip, encrypted zip."""
