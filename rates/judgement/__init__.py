"""What the sources' readings make of a coin's price: a pure function of what each of them said."""
