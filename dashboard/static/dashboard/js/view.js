/** Which coins the page shows, in what order: cards, rows, sort, search, pins. */
import {changeOf} from "./board.js";
import {direction, say} from "./numbers.js";
import {setText} from "./marks.js";
import {catchUp, forget, makeElement, paintAge, paintCoin, paintSoon, watch} from "./paint.js";
import {load, save} from "./preferences.js";

const VALUES = {name: (c) => c.name.toLowerCase(), price: (c) => Number(c.price), change: (c) => Number(changeOf(c)?.percent ?? NaN)};
// Coins out of sight that are painted each second.
const LATE_PER_SECOND = 40;
const find = (id) => document.getElementById(id);

export function createView(board, page = document.body.dataset) {
  const cards = find("cards"), rows = find("rows"), section = find("table"), elements = {card: new Map(), row: new Map()};
  let pins = load("pins", null)?.split(",").filter(Boolean) ?? null;
  let sort = load("sort", null), filter = "all", text = "", repinned = true;
  for (const [kind, place] of [["card", cards], ["row", rows]]) {
    for (const element of place?.children ?? []) { elements[kind].set(element.dataset.symbol, element); watch(element); }
  }

  const few = () => !rows || board.coins.size <= Number(page.cardsOnly) || document.body.classList.contains("wall");
  const pinned = () => pins ?? (few() ? [] : [...board.coins.keys()].slice(0, Number(page.firstPins)));

  function sorted(coins) {
    const value = VALUES[sort?.by];
    if (!value) return coins;
    const way = sort.down ? -1 : 1, last = (v) => Number.isNaN(v);
    return [...coins].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return last(x) - last(y) || (x < y ? -way : x > y ? way : 0);
    });
  }

  function place(kind, parent, coins, mine, flash) {
    const known = elements[kind], wanted = new Set(coins.map((coin) => coin.symbol));
    for (const [symbol, element] of known) if (!wanted.has(symbol)) { forget(element); element.remove(); known.delete(symbol); }
    coins.forEach((coin, index) => {
      const fresh = !known.has(coin.symbol);
      if (fresh) known.set(coin.symbol, makeElement(find(kind), coin));
      const element = known.get(coin.symbol);
      if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
      if (fresh) { paintCoin(element, coin, {flash: false, pinned: mine.has(coin.symbol)}); watch(element); }
      else if (board.changed.has(coin.symbol)) paintSoon(element, coin, {flash, pinned: mine.has(coin.symbol)});
      else if (repinned) paintCoin(element, coin, {flash: false, pinned: mine.has(coin.symbol)});
      if (kind === "row") {
        const hit = `${coin.name} ${coin.symbol}`.toLowerCase().includes(text);
        element.hidden = !hit || (filter === "pinned" && !mine.has(coin.symbol));
      }
    });
  }

  function breadth(coins) {
    const ways = coins.map((coin) => direction(changeOf(coin)?.percent ?? 0));
    const up = ways.filter((way) => way === "up").length, down = ways.filter((way) => way === "down").length;
    find("breadth").hidden = find("empty").hidden = false;
    find(coins.length ? "empty" : "breadth").hidden = true;
    find("breadth").querySelector("rect").setAttribute("width", up + down ? (100 * up) / (up + down) : 50);
    setText(find("breadth").querySelector(".up"), say("count_up", {n: up}));
    setText(find("breadth").querySelector(".down"), say("count_down", {n: down}));
    const key = coins.length === 0 ? "nothing" : coins.length === 1 ? "one_coin" : "coins";
    setText(find("summary"), say(key, {n: coins.length, quote: page.quote}));
  }

  const view = {
    pinned,
    render(flash = false) {
      const coins = [...board.coins.values()], mine = new Set(pinned());
      const first = coins.filter((coin) => mine.has(coin.symbol));
      place("card", cards, few() ? [...first, ...coins.filter((coin) => !mine.has(coin.symbol))] : first, mine, flash);
      if (rows) { section.hidden = few(); place("row", rows, few() ? [] : sorted(coins), mine, flash); breadth(coins); }
      board.changed.clear();
      repinned = false;
    },
    ages(now, late) {
      catchUp(LATE_PER_SECOND);
      for (const kind of ["card", "row"]) for (const [symbol, element] of elements[kind]) {
        if (board.coins.has(symbol)) paintAge(element, board.coins.get(symbol), now, late);
      }
    },
    find(value) { text = value.trim().toLowerCase(); view.render(); },
    filter(name) { filter = name; view.render(); },
    pin(symbol) {
      pins = pinned().includes(symbol) ? pinned().filter((pin) => pin !== symbol) : [...pinned(), symbol];
      save("pins", pins.join(","));
      repinned = true;
      view.render();
    },
    sort(by) {
      const first = by !== "name";
      sort = sort?.by !== by ? {by, down: first} : sort.down === first ? {by, down: !first} : null;
      save("sort", sort);
      view.render();
    },
    sorting: () => sort,
  };
  return view;
}
