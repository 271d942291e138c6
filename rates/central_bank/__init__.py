"""
The European Central Bank's daily file: the slow third opinion on what currencies are worth.

    file     how it is fetched, and what it says
    daily    when it is asked for, and what every tick is told of it
"""
