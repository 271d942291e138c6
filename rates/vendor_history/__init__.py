"""One module per vendor that has historical candles; its words, formats and exceptions stop inside it."""
