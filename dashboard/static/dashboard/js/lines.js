/** Reads the lines of the last 24 hours again: after a gap, and now and then while a coin has less than a day of them. */
import {ask} from "./api.js";
import {periodOf} from "./period.js";

const CHECK_MS = 60_000, YOUNG_MS = 300_000, GAP_MS = 600_000;

/** *url* returns the address of the lines of this page's coins; *render* is called when they have come. Returns what reads them. */
export function keepLines(board, url, render) {
  let readAt = Date.now(), heardAt = Date.now();

  async function read() {
    const {currency} = board;
    readAt = Date.now();
    const lines = await ask(url());
    if (!lines || currency !== board.currency) return; // the next check tries again
    board.setLines(lines);
    render();
  }

  const isYoung = (coin) => coin.price !== null && (periodOf(coin).since !== null || coin.line.length < 3);
  document.addEventListener("rates:received", () => {
    const gap = Date.now() - heardAt;
    heardAt = Date.now();
    if (gap > GAP_MS) read();
  });
  setInterval(() => {
    if (!document.hidden && Date.now() - readAt >= YOUNG_MS && [...board.coins.values()].some(isYoung)) read();
  }, CHECK_MS);
  return read;
}
