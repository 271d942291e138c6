"""One module per source of rates; a vendor's words, formats and exceptions do not leave it."""
