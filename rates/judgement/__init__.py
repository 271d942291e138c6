"""
What the sources' readings make of a coin's price: a pure function of what each of them said.

    readings     the newest reading of each source: fresh, frozen or refused
    identity     which pairs are known to be the coin
    conversion   prices in USDT, converted into the quote currency
    currencies   what the quote currency is worth in others
    ownership    which price a coin shows; what is held back or disputed
    consensus    the same at once, where nobody disagrees
    dissent      who has to be heard again before a dispute can end
    standing     verdicts that still stand, so that only coins with news are judged
    rows         the rows of the board as text, of which only those with news are encoded
    next_board   the next board, made with all of these
    rules        the settings that they depend on
"""
