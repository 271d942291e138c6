/** The board as the socket describes it: the same messages give the same board. Knows nothing of the page. */
import {decimalsFor, keepDecimals, unitOf} from "./numbers.js";
import {extendLine} from "./period.js";

/**
 * Return the board that the page was rendered with, kept current by `apply`.
 *
 * `coins` is a Map of symbol to the coin object of the protocol, with `line` ([seconds, price], oldest first), `decimals`,
 * `currency` and `before` (the price that the page painted last); `changed` holds the symbols that it has not painted since.
 * Of a coin that the page does not show at first, only the start of its line is known (`partial`), by which it is sorted.
 */
export function createBoard({currency, epoch, seq, as_of, rates, lines, starts}) {
  const board = {currency, epoch, seq, asOf: as_of, limits: {}, coins: new Map(), changed: new Set(), apply, setLines};
  for (const rate of rates) {
    const start = starts[rate.symbol], line = addPrice(lines[rate.symbol] ?? start ?? [], rate, as_of);
    board.coins.set(rate.symbol, {...makeCoin(rate, undefined, line, null, currency), partial: Boolean(start)});
  }

  /** Apply a message; return its type, or null when it holds nothing for the page. */
  function apply(message) {
    switch (message.type) {
      case "hello":
        board.limits = message;
        break;
      case "board": // the whole truth: coins that it leaves out are gone
        if (message.currency && message.currency !== board.currency) changeCurrency(message.currency);
        board.coins = new Map(message.rates.map((rate) => [rate.symbol, mergeRate(rate, message.as_of)]));
        setPosition(message);
        break;
      case "update": // only what changed; `symbols` comes when coins were added, removed or moved
        for (const rate of message.rates) board.coins.set(rate.symbol, mergeRate(rate, message.as_of));
        for (const symbol of message.removed ?? []) board.coins.delete(symbol);
        if (message.symbols) reorder(message.symbols);
        setPosition(message);
        break;
      case "heartbeat":
        board.asOf = message.as_of;
        break;
      case "bye": // handled by the socket
      case "error":
        return null;
      default:
        console.info("rates: unknown message type:", message.type);
        return null;
    }
    return message.type;
  }

  /** Nothing that was known in the old currency is compared with the new one. */
  function changeCurrency(currency) {
    board.currency = currency;
    board.coins = new Map();
    board.changed.clear();
  }

  function mergeRate(rate, asOf) {
    const old = board.coins.get(rate.symbol);
    // A coin that changes twice before it is painted is compared with what the visitor has seen.
    const before = board.changed.has(rate.symbol) ? old?.before : old?.price;
    board.changed.add(rate.symbol);
    return makeCoin(rate, old, addPrice(old?.line ?? [], rate, asOf), before ?? null, board.currency);
  }

  /** Replace lines by what the server knows. */
  function setLines(lines) {
    for (const [symbol, line] of Object.entries(lines)) {
      const coin = board.coins.get(symbol);
      if (!coin) continue;
      coin.line = addPrice(line, coin, board.asOf);
      coin.partial = false;
      board.changed.add(symbol);
    }
  }

  function reorder(symbols) {
    const known = symbols.filter((symbol) => board.coins.has(symbol));
    board.coins = new Map(known.map((symbol) => [symbol, board.coins.get(symbol)]));
  }

  function setPosition(message) {
    board.epoch = message.epoch;
    board.seq = message.seq;
    board.asOf = message.as_of;
  }

  return board;
}

function makeCoin(rate, old, line, before, currency) {
  const [own] = unitOf(currency);
  const decimals = old?.price ? keepDecimals(rate.price ?? old.price, old.decimals, own) : decimalsFor(rate.price ?? 10, own);
  return {...rate, line, decimals, before, currency, partial: old?.partial ?? false};
}

/** A stale price is no point of a line. */
function addPrice(line, {price, stale}, asOf) {
  return price === null || stale || !asOf ? line : extendLine(line, Date.parse(asOf) / 1000, Number(price));
}
