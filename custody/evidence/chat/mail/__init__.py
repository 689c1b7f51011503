"""Mail: single messages (.eml), mailboxes (.mbox), their parts by their bytes, their headers as facts."""
