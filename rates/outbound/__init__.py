"""How vendors are reached: every connection and every request ends by its deadline."""
