"""What explorers and nodes said of transactions, as somebody saved it: statements, checked against themselves."""
