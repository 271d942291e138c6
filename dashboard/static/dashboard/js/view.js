/** The elements of the page: a card or row for each coin, in order, and the sums above them. */
import {paintBreadth, setText} from "./marks.js";
import {say} from "./numbers.js";
import {listSources, makeElement, paintAge, paintCoin} from "./paint.js";

const find = (id) => document.getElementById(id);
// Seconds until every element that is out of sight has been painted.
const ROUND = 5;

export function createView(board, order, status) {
  const places = {card: find("cards"), row: find("rows")}, elements = {card: new Map(), row: new Map()};
  const near = new Set(), all = () => [...elements.card.values(), ...elements.row.values()];
  let turn = 0;

  /** What is in the window, or nearly, is painted with each publication; the rest comes round within seconds. */
  const watcher = new IntersectionObserver((entries) => {
    for (const {target, isIntersecting} of entries) {
      if (!isIntersecting) near.delete(target);
      else if (near.add(target) && !status.isPaused()) paint(target);
    }
  }, {rootMargin: "200px"});
  for (const kind of ["card", "row"]) for (const element of places[kind]?.children ?? []) keep(kind, element);

  function keep(kind, element) {
    elements[kind].set(element.dataset.symbol, element);
    watcher.observe(element);
  }

  function drop(kind, symbol, element) {
    elements[kind].delete(symbol);
    near.delete(element);
    watcher.unobserve(element);
    element.remove();
  }

  function paint(element, flash = false, mine = order.pinned()) {
    const coin = board.coins.get(element.dataset.symbol);
    if (coin) paintCoin(element, coin, {flash, pinned: mine.includes(coin.symbol), clock: status.clock()});
  }

  /** Bring the elements of one kind in line with *coins*; a moved element keeps the focus. */
  function arrange(kind, coins) {
    const place = places[kind], known = elements[kind], wanted = new Set(coins.map(({symbol}) => symbol));
    const focused = document.activeElement;
    for (const [symbol, element] of known) if (!wanted.has(symbol)) drop(kind, symbol, element);
    coins.forEach((coin, index) => {
      if (!known.has(coin.symbol)) keep(kind, makeElement(find(kind), coin));
      const element = known.get(coin.symbol);
      if (place.children[index] !== element) place.insertBefore(element, place.children[index] ?? null);
    });
    if (focused !== document.activeElement && place.contains(focused)) focused.focus({preventScroll: true});
  }

  function sum() {
    const coins = [...board.coins.values()], count = coins.length;
    find("breadth").hidden = count === 0;
    find("empty").hidden = count > 0;
    paintBreadth(find("breadth"), coins);
    const key = count === 0 ? "nothing" : count === 1 ? "one_coin" : "coins";
    setText(find("summary"), say(key, {n: count, quote: document.body.dataset.quote}));
    setText(find("sources"), listSources(coins));
  }

  return {
    /** Show the board as it is now; *whole*: paint every element, not only those of coins that changed. */
    render({flash = false, whole = false} = {}) {
      const mine = order.pinned(), before = new Set(all());
      arrange("card", order.cards());
      if (places.row) {
        find("table").hidden = order.isFew();
        arrange("row", order.rows());
        for (const [symbol, row] of elements.row) row.hidden = !order.matches(board.coins.get(symbol));
        find("none").hidden = [...elements.row.values()].some((row) => !row.hidden);
        sum();
      }
      for (const element of all()) {
        if (whole || !before.has(element)) paint(element, false, mine);
        else if (near.has(element) && board.changed.has(element.dataset.symbol)) paint(element, flash, mine);
      }
      board.changed.clear();
    },

    /** Once a second: ages in sight, and the next few elements out of sight. */
    age() {
      const clock = status.clock();
      for (const element of near) {
        const coin = board.coins.get(element.dataset.symbol);
        if (coin) paintAge(element, coin, clock);
      }
      if (status.isPaused()) return;
      all().forEach((element, index) => {
        if (index % ROUND === turn && !near.has(element)) paint(element);
      });
      turn = (turn + 1) % ROUND;
    },
  };
}
