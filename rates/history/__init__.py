"""Candles: recorded from publications, kept in the database, filled in from the vendors' past, and read again."""
