"""One module per vendor that tells the past; its words, formats and exceptions stop inside it."""
