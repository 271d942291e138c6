"""The texts that scripts put on the page: translated here, passed on as JSON in the page."""

from django.utils.translation import gettext as _

SOURCES = {"coingecko": "CoinGecko", "binance": "Binance", "kraken": "Kraken"}


def source_name(source: str | None) -> str:
    """Return the name of *source* as pages show it."""
    names = SOURCES | {"simulated": _("simulated")}
    return names.get(source or "", source or "")


def script_texts() -> dict[str, str]:
    """Return every text that the scripts show, in the language of the page; they fill in the `{…}`."""
    sources = {f"source_{source}": source_name(source) for source in (*SOURCES, "simulated")}
    return sources | {
        "connecting": _("Connecting"),
        "live": _("Live"),
        "delayed": _("Prices are late"),
        "unpriced": _("Waiting for prices"),
        "sourceless": _("No source can be reached"),
        "offline": _("Offline"),
        "paused": _("Paused"),
        "refused": _("Not allowed"),
        "now": _("just now"),
        "ago": _("{age} ago"),
        "old": _("{age} old"),
        "waiting": _("waiting"),
        "s": _("{n} s"),
        "min": _("{n} min"),
        "h": _("{n} h"),
        "d": _("{n} d"),
        "percent": _("{number}%"),
        "count_up": _("{n} up"),
        "count_down": _("{n} down"),
        "window_day": _("24 h"),
        "range_of": _("Lowest and highest price, {period}"),
        "since": _("since {time}"),
        "pin": _("Pin {name}"),
        "disputed": _("disputed"),
        "stale": _("stale"),
        "lost": _("Connection lost."),
        "late": _("Prices are late."),
        "no_prices": _("There are no prices yet."),
        "no_answer": _("No source has a newer one."),
        "next_try": _("{source} is asked again at {time}."),
        "demo_hint": _("Without a network, “make demo” shows made-up prices."),
        "refused_why": _("The server refused the connection."),
        "from": _("Prices below are from {time}."),
        "retry": _("Retrying in {n} s."),
        "trying": _("Retrying now."),
        "none_late": _("The server responds, but no new prices have arrived since then."),
        "pause": _("Pause updates"),
        "resume": _("Resume updates"),
        "alert_bad": _("Enter a number above zero."),
        "alert_ambiguous": _("“{text}” can be read in two ways. Write it as this page does: {example}."),
        "alert_set": _("Set: {alert}."),
        "alert_already": _("That is so already: {symbol} is at {price}."),
        "converter_unknown": _("There is no price for this now."),
        "coins": _("{n} coins in {quote}"),
        "one_coin": _("1 coin in {quote}"),
        "nothing": _("Nothing to show yet"),
        "pinned": _("Pinned"),
        "list_open": _("Show"),
        "list_first": _("To the cards"),
        "list_remove": _("Remove the list {name}"),
        "list_unknown": _("Not on the board: {coins}."),
        "list_many": _("There are twelve lists already."),
        "no_match": _("No coin matches."),
        "no_pins": _("Nothing is pinned. The star of a coin pins it."),
        "data": _("Data:"),
        "as_of": _("As of {time}"),
        "alert_above": _("{symbol} above {value}"),
        "alert_below": _("{symbol} below {value}"),
        "alert_move": _("{symbol} moves {value} in 24 h"),
        "alert_far": _("{distance} away"),
        "alert_met": _("reached"),
        "alert_unknown": _("no price on this page"),
        "alert_fired": _("{alert}: {symbol} is at {price}"),
        "alert_doubtful": _("{alert} ({mark}: the price may be wrong)"),
        "alert_remove": _("Remove alert {alert}"),
        "chart_empty": _("There are no prices in this range yet."),
        "chart_unconverted": _("Candles missing: {n}. What they were worth in {currency} is not known."),
        "chart_away": _("The history cannot be read now. Trying again."),
        "moved": _("{change} in this range"),
        "extremes": _("Lowest {low}, highest {high} in this range"),
        "announce": _("{name}: {price}, {change} {window}"),
    }
