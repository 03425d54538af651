"""What people do to the clinic's records: each act has a name, one transaction, a person and an audit row."""
