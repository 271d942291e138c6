/** Which coins the page shows and in what order: pins, sort, search, filter. Knows nothing of elements. */
import {changeOf} from "./board.js";
import {load, save} from "./preferences.js";

const VALUES = {
  name: (coin) => coin.name.toLowerCase(),
  price: (coin) => (coin.price === null ? NaN : Number(coin.price)),
  change: (coin) => Number(changeOf(coin)?.percent ?? NaN),
};

/** `limits` come with the page: `cardsOnly` (up to so many coins there is no table), `firstPins`, `pins`. */
export function createOrder(board, {cardsOnly, firstPins, pins: madeWith}, everyCoinIsACard) {
  let pins = load("pins")?.split(",").filter(Boolean) ?? null;
  let sort = load("sort"), filter = "all", text = "";

  const isFew = () => everyCoinIsACard || board.coins.size <= Number(cardsOnly);

  /** Symbols that the visitor has pinned; until then, the first coins of a long board. */
  function pinned() {
    if (pins) return pins;
    if (!cardsOnly) return madeWith.split(",").filter(Boolean);
    return isFew() ? [] : [...board.coins.keys()].slice(0, Number(firstPins));
  }

  function cards() {
    const coins = [...board.coins.values()], mine = new Set(pinned());
    const first = coins.filter(({symbol}) => mine.has(symbol));
    return isFew() ? [...first, ...coins.filter(({symbol}) => !mine.has(symbol))] : first;
  }

  function rows() {
    const coins = isFew() ? [] : [...board.coins.values()], value = VALUES[sort?.by];
    if (!value) return coins;
    const way = sort.down ? -1 : 1, values = new Map(coins.map((coin) => [coin, value(coin)]));
    return coins.sort((one, other) => compare(values.get(one), values.get(other), way));
  }

  return {
    isFew, pinned, cards, rows,
    leader: () => board.coins.get(pinned().find((symbol) => board.coins.has(symbol)) ?? board.coins.keys().next().value),
    matches({name, symbol}) {
      return `${name} ${symbol}`.toLowerCase().includes(text) && (filter === "all" || pinned().includes(symbol));
    },
    search(value) { text = value.trim().toLowerCase(); },
    filterBy(name) { filter = name; },
    togglePin(symbol) {
      const now = pinned();
      pins = now.includes(symbol) ? now.filter((pin) => pin !== symbol) : [...now, symbol];
      save("pins", pins.join(","));
    },
    /** Numbers begin with the largest, names with A; the second time turns round, the third is the board's own order. */
    sortBy(by) {
      const first = by !== "name";
      if (sort?.by !== by) sort = {by, down: first};
      else sort = sort.down === first ? {by, down: !first} : null;
      save("sort", sort);
    },
    sorting: () => sort,
  };
}

/** Coins without the value come last either way. */
function compare(one, other, way) {
  const unknown = Number.isNaN(one) - Number.isNaN(other);
  return unknown || (one < other ? -way : one > other ? way : 0);
}
