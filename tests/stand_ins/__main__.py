"""Run one stand-in by hand: `python -m tests.stand_ins coingecko --port 9101`; its prices move."""

import argparse
from contextlib import suppress
from threading import Event

from tests.stand_ins.binance import Binance
from tests.stand_ins.coingecko import CoinGecko
from tests.stand_ins.ecb import CentralBank
from tests.stand_ins.kraken import Kraken

STAND_INS: dict[str, type[Binance | CentralBank | CoinGecko | Kraken]] = {
    "binance": Binance,
    "coingecko": CoinGecko,
    "ecb": CentralBank,
    "kraken": Kraken,
}


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.stand_ins", description=__doc__)
    parser.add_argument("vendor", choices=STAND_INS)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", default="")
    options = parser.parse_args()
    with STAND_INS[options.vendor](port=options.port, fault=options.fault, moves=True) as stand_in:
        print(f"{options.vendor}: {stand_in.url}", flush=True)
        with suppress(KeyboardInterrupt):
            Event().wait()


if __name__ == "__main__":
    main()
