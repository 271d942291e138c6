/** The page of a television: cards as large as their number allows, page after page if there are many, the screen kept on. */
const MOST = 20, PAGE_MS = 15_000;
// Pixels: on a smaller card not everything can be read.
const LEAST_WIDTH = 160, LEAST_HEIGHT = 172;
// Width to height of a card that looks best.
const SHAPE = 1.45;

/** Return how many columns and rows make *count* cards largest in a box of *width* and *height*. */
export function chooseGrid(count, width, height) {
  const grids = Array.from({length: count}, (_, index) => ({columns: index + 1, rows: Math.ceil(count / (index + 1))}));
  const worth = ({columns, rows}) => (Math.min(width / columns / SHAPE, height / rows) * count) / (columns * rows);
  return grids.reduce((one, other) => (worth(other) > worth(one) ? other : one));
}

/** Return how many of *count* cards one page in a box of *width* and *height* shows: pages are as full as each other. */
export function choosePage(count, width, height) {
  const room = Math.max(1, Math.floor(width / LEAST_WIDTH) * Math.floor(height / LEAST_HEIGHT));
  return Math.ceil(count / Math.ceil(count / Math.min(MOST, room))) || 1;
}

/** Lay out the cards in *container*, and turn pages unless *isPaused*; *label* says which page it is. */
export function startWall(container, label, isPaused) {
  let page = 0, shown = "";

  function lay() {
    const cards = [...container.children], {clientWidth, clientHeight} = container;
    const size = choosePage(cards.length, clientWidth, clientHeight), pages = Math.max(1, Math.ceil(cards.length / size));
    page %= pages;
    const now = [cards.map(({dataset}) => dataset.symbol), page, innerWidth, innerHeight].join();
    if (now === shown) return;
    shown = now;
    const {columns, rows} = chooseGrid(size, clientWidth, clientHeight);
    container.style.setProperty("--columns", columns);
    container.style.setProperty("--rows", rows);
    cards.forEach((card, index) => { card.hidden = Math.floor(index / size) !== page; });
    label.textContent = pages > 1 ? `${page + 1} / ${pages}` : "";
  }

  container.dataset.laid = "true";
  lay();
  addEventListener("resize", lay);
  document.addEventListener("rates:rendered", lay);
  setInterval(() => {
    if (!isPaused()) page++;
    lay();
  }, PAGE_MS);
  keepScreenOn();
}

/** Browsers drop the lock whenever the page is hidden. */
function keepScreenOn() {
  const lock = () => document.hidden || navigator.wakeLock?.request("screen").catch(() => null);
  document.addEventListener("visibilitychange", lock);
  lock();
}
