"""The environment and `.env`: one reader for each kind of value, which refuses what cannot work."""
