"""What pages of payers, policies and codes show, prepared from rows and from what the engine answers."""
