/** The elements of the page: a card or row for each coin, in order, and the summary above them. */
import {paintBreadth, setText} from "./marks.js";
import {texts, translate} from "./numbers.js";
import {listSources, makeElement, paintAge, paintCoin} from "./paint.js";

const byId = (id) => document.getElementById(id);
// Seconds within which every element out of sight is painted once.
const REPAINT_SECONDS = 5;

export function createView(board, order, status) {
  const containers = {card: byId("cards"), row: byId("rows")}, elements = {card: new Map(), row: new Map()};
  const inSight = new Set(), all = () => [...elements.card.values(), ...elements.row.values()];
  let turn = 0;

  /** What is in the window, or nearly, is painted with each publication; the rest within `REPAINT_SECONDS`. */
  const watcher = new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries) {
      if (!isIntersecting) inSight.delete(target);
      else if (inSight.add(target) && !status.isPaused()) paint(target);
    }
    const symbols = entries.filter(({isIntersecting}) => isIntersecting).map(({target}) => target.dataset.symbol);
    if (symbols.length) document.dispatchEvent(new CustomEvent("rates:seen", {detail: {symbols}}));
  }, {rootMargin: "200px"});
  for (const kind of ["card", "row"]) for (const element of containers[kind]?.children ?? []) track(kind, element);

  function track(kind, element) {
    elements[kind].set(element.dataset.symbol, element);
    watcher.observe(element);
  }

  function remove(kind, symbol, element) {
    elements[kind].delete(symbol);
    inSight.delete(element);
    watcher.unobserve(element);
    element.remove();
  }

  function paint(element, flash = false, pins = order.pinned()) {
    const coin = board.coins.get(element.dataset.symbol);
    if (coin) paintCoin(element, coin, {flash, pinned: pins.includes(coin.symbol), clock: status.clock()});
  }

  /** Bring the elements of one kind in line with *coins*; a moved element keeps the focus. */
  function arrange(kind, coins) {
    const container = containers[kind], known = elements[kind], wanted = new Set(coins.map(({symbol}) => symbol));
    const focused = document.activeElement;
    for (const [symbol, element] of known) if (!wanted.has(symbol)) remove(kind, symbol, element);
    coins.forEach((coin, index) => {
      if (!known.has(coin.symbol)) track(kind, makeElement(byId(kind), coin));
      const element = known.get(coin.symbol);
      if (container.children[index] !== element) container.insertBefore(element, container.children[index] ?? null);
    });
    if (focused !== document.activeElement && container.contains(focused)) focused.focus({preventScroll: true});
  }

  function renderSummary() {
    const coins = [...board.coins.values()], count = coins.length;
    byId("breadth").hidden = count === 0;
    byId("empty").hidden = count > 0;
    paintBreadth(byId("breadth"), coins);
    const key = count === 0 ? "nothing" : count === 1 ? "one_coin" : "coins";
    setText(byId("summary"), translate(key, {n: count, quote: board.currency.toUpperCase()}));
    setText(byId("sources"), listSources(coins));
  }

  return {
    /** Show the board as it is now; *whole*: paint every element, not only those of coins that changed. */
    render({flash = false, whole = false} = {}) {
      const pins = order.pinned(), before = new Set(all());
      arrange("card", order.cards());
      if (containers.row) { // the board and the wall; a coin page and an embedded card have no table
        byId("table").hidden = order.hasCardsOnly();
        arrange("row", order.rows());
        for (const [symbol, row] of elements.row) row.hidden = !order.matches(board.coins.get(symbol));
        byId("none").hidden = [...elements.row.values()].some((row) => !row.hidden);
        setText(byId("none"), texts[order.emptiness()]);
        document.body.classList.toggle("cards-only", order.hasCardsOnly());
        renderSummary();
      }
      for (const element of all()) {
        if (whole || !before.has(element)) paint(element, false, pins);
        else if (inSight.has(element) && board.changed.has(element.dataset.symbol)) paint(element, flash, pins);
      }
      board.changed.clear();
    },

    /** Once a second: repaint the ages in sight, and the next few elements out of sight. */
    refreshAges() {
      const clock = status.clock();
      for (const element of inSight) {
        const coin = board.coins.get(element.dataset.symbol);
        if (coin) paintAge(element, coin, clock);
      }
      if (status.isPaused()) return;
      all().forEach((element, index) => {
        if (index % REPAINT_SECONDS === turn && !inSight.has(element)) paint(element);
      });
      turn = (turn + 1) % REPAINT_SECONDS;
    },
  };
}
