"""
The paths of CoinGecko's API that are answered here, without the slash at their end, which the gate takes away.

Tested in `tests/coingecko_api/test_replies.py`.
"""

from django.urls import re_path

from rates.coingecko_api import views

COIN = r"coins/(?P<coin_id>[^/]+)"
PATHS = {
    "ping": views.ping,
    "simple/price": views.price,
    "simple/supported_vs_currencies": views.supported_vs_currencies,
    "exchange_rates": views.rates,
    "search": views.search,
    "coins/list": views.coins_list,
    "coins/markets": views.coins_markets,
    COIN: views.coin_by_id,
    f"{COIN}/history": views.history,
    f"{COIN}/market_chart": views.market_chart,
    f"{COIN}/market_chart/range": views.market_chart_range,
    f"{COIN}/ohlc": views.ohlc,
    r"images/(?P<coin_id>[^/]+)\.svg": views.image,
}
urlpatterns = [re_path(rf"^api/v3/{path}$", view) for path, view in PATHS.items()]
