/**
 * Reads the lines of the last 24 hours: of coins that come into sight for the first time, and of all again after a gap, and
 * now and then while a coin has less than a day of them.
 */
import {ask} from "./api.js";
import {periodOf} from "./period.js";

const CHECK_MS = 60_000, YOUNG_MS = 300_000, GAP_MS = 600_000;
// Whoever scrolls passes many coins: how long they are collected, and how many one request asks for.
const COLLECT_MS = 150, MOST = 100;

/** *url* returns the address of the lines of some coins, or of all; *render* is called when they have come. Returns what reads all. */
export function keepLines(board, url, render) {
  let readAt = Date.now(), heardAt = Date.now(), timer = null;
  const wanted = new Set();

  async function read(symbols) {
    const {currency} = board, lines = await ask(url(symbols));
    if (!lines || currency !== board.currency) return; // the next check, or the next sight of it, tries again
    board.setLines(lines);
    render();
  }

  function readAll() {
    readAt = Date.now();
    return read();
  }

  async function readWanted() {
    const symbols = [...wanted].slice(0, MOST);
    for (const symbol of symbols) wanted.delete(symbol);
    await read(symbols);
    timer = wanted.size ? setTimeout(readWanted, COLLECT_MS) : null;
  }

  document.addEventListener("rates:seen", ({detail}) => {
    for (const symbol of detail.symbols) if (board.coins.get(symbol)?.partial) wanted.add(symbol);
    if (wanted.size) timer ??= setTimeout(readWanted, COLLECT_MS);
  });
  const isYoung = (coin) => coin.price !== null && !coin.partial && (periodOf(coin).since !== null || coin.line.length < 3);
  document.addEventListener("rates:received", () => {
    const gap = Date.now() - heardAt;
    heardAt = Date.now();
    if (gap > GAP_MS) readAll();
  });
  setInterval(() => {
    if (!document.hidden && Date.now() - readAt >= YOUNG_MS && [...board.coins.values()].some(isYoung)) readAll();
  }, CHECK_MS);
  return readAll;
}
