/** Which coins the page shows and in what order: pins, sort, search, filter. Knows nothing of elements. */
import {periodOf} from "./period.js";
import {load, save} from "./preferences.js";

const VALUES = {
  name: (coin) => coin.name.toLowerCase(),
  price: (coin) => (coin.price === null ? NaN : Number(coin.price)),
  volume: (coin) => Number(coin.volume_24h ?? NaN),
  change: (coin) => Number(periodOf(coin).change?.percent ?? NaN),
};

/** From the page: `cardsOnly` (up to this many coins there is no table), `defaultPins` (how many), `pins`. */
export function createOrder(board, {cardsOnly, defaultPins, pins: initialPins}, everyCoinIsACard) {
  let pins = load("pins")?.split(",").filter(Boolean) ?? null;
  let sort = load("sort"), chosen = null, text = "";

  const hasCardsOnly = () => everyCoinIsACard || board.coins.size <= Number(cardsOnly);

  /** Symbols that the visitor has pinned; until then, the first coins of a long board. */
  function pinned() {
    if (pins) return pins;
    if (!cardsOnly) return initialPins.split(",").filter(Boolean);
    return hasCardsOnly() ? [] : [...board.coins.keys()].slice(0, Number(defaultPins));
  }

  function cards() {
    const coins = [...board.coins.values()], pins = new Set(pinned());
    const pinnedCoins = coins.filter(({symbol}) => pins.has(symbol));
    if (!hasCardsOnly()) return pinnedCoins;
    return [...pinnedCoins, ...coins.filter(({symbol}) => !pins.has(symbol))];
  }

  function rows() {
    const coins = hasCardsOnly() ? [] : [...board.coins.values()], value = VALUES[sort?.by];
    if (!value) return coins;
    const sign = sort.down ? -1 : 1, values = new Map(coins.map((coin) => [coin, value(coin)]));
    return coins.sort((one, other) => compare(values.get(one), values.get(other), sign));
  }

  function setPins(symbols) {
    pins = symbols;
    save("pins", pins.join(","));
  }

  return {
    hasCardsOnly, pinned, cards, rows,
    firstCoin() {
      const pin = pinned().find((symbol) => board.coins.has(symbol));
      return board.coins.get(pin ?? board.coins.keys().next().value);
    },
    matches({name, symbol}) {
      return `${name} ${symbol}`.toLowerCase().includes(text) && (!chosen || chosen().includes(symbol));
    },
    search(value) { text = value.trim().toLowerCase(); },
    /** *coins* returns the symbols to show; null shows all. */
    filterBy(coins) { chosen = coins; },
    setPins,
    togglePin(symbol) {
      const now = pinned();
      setPins(now.includes(symbol) ? now.filter((pin) => pin !== symbol) : [...now, symbol]);
    },
    /** First click: largest number or A first; second click: reversed; third click: the order of the board. */
    sortBy(by) {
      const downFirst = by !== "name";
      if (sort?.by !== by) sort = {by, down: downFirst};
      else sort = sort.down === downFirst ? {by, down: !downFirst} : null;
      save("sort", sort);
    },
    /** *asked*: {by, down}, or null for the order of the board. */
    setSort(asked) {
      sort = asked;
      save("sort", sort);
    },
    sorting: () => sort,
    /** Why no row is shown, as a key of the texts. */
    emptiness: () => (chosen === pinned && !pinned().length ? "no_pins" : "no_match"),
  };
}

/** Coins without the value come last in both orders. */
function compare(one, other, sign) {
  const unknown = Number.isNaN(one) - Number.isNaN(other);
  return unknown || (one < other ? -sign : one > other ? sign : 0);
}
