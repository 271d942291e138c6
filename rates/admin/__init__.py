"""
Where staff edit the coins, and see the state of each of them and of the service.

    problems         what is wrong now, for the start page
    coins            the admin's pages and actions
    fetch_report     what each source said when staff had the prices fetched
    reasons          the engine's reasons in the language of who reads them
    forms            what staff enter, checked against the sources
    pair_checks      whether a pair is the coin
    finder           what the form looks up: coins, their pairs, a free symbol
    inspection       what each source says of one coin right now
    coin_status      the state of each coin and of the service
    acceptance       held and disputed prices that staff accept
    coin_files       import and export
    import_checks    the ids and pairs of an import, checked as in the form
    login_throttle   limits attempts to log in
"""

from rates.admin import coins  # noqa: F401 - Django registers the admin by importing this package
