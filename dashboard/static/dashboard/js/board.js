/** The board as the socket describes it: the same messages give the same board. Knows nothing of the page. */
import {decimalsFor, keepDecimals} from "./numbers.js";

/**
 * Return the board that the page was rendered with, kept current by `apply`.
 *
 * `coins` is a Map of symbol to the coin object of the protocol, with `history` (prices, oldest first), `newestAt` (the
 * time of its last one), `decimals` and `before` (the price that the page painted last); `changed` holds the symbols that it has not painted since.
 */
export function createBoard({epoch, seq, as_of, rates, histories}, historyLength) {
  const board = {epoch, seq, asOf: as_of, limits: {}, coins: new Map(), changed: new Set(), apply};
  for (const rate of rates) board.coins.set(rate.symbol, makeCoin(rate, undefined, histories[rate.symbol] ?? [], null));

  /** Apply a message; return its type, or null when it holds nothing for the page. */
  function apply(message) {
    switch (message.type) {
      case "hello":
        board.limits = message;
        break;
      case "board": // the whole truth: coins that it leaves out are gone
        board.coins = new Map(message.rates.map((rate) => [rate.symbol, mergeRate(rate)]));
        setPosition(message);
        break;
      case "update": // only what changed; `symbols` comes when coins were added, removed or moved
        for (const rate of message.rates) board.coins.set(rate.symbol, mergeRate(rate));
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

  function mergeRate(rate) {
    const old = board.coins.get(rate.symbol), history = old?.history ?? [];
    // Another source may be behind the one before; ISO times in UTC are in the order of their texts.
    const isNew = rate.price !== null && rate.observed_at > (old?.newestAt ?? "");
    // A coin that changes twice before it is painted is compared with what the visitor has seen.
    const before = board.changed.has(rate.symbol) ? old?.before : old?.price;
    board.changed.add(rate.symbol);
    return makeCoin(rate, old, isNew ? [...history, rate.price].slice(-historyLength) : history, before ?? null);
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

function makeCoin(rate, old, history, before) {
  const decimals = old?.price ? keepDecimals(rate.price ?? old.price, old.decimals) : decimalsFor(rate.price ?? 10);
  const newestAt = [old?.newestAt ?? "", rate.observed_at ?? ""].sort()[1];
  return {...rate, history, newestAt, decimals, before};
}

/** Return {percent, amount} of a coin over 24 hours; null when its source does not say. */
export function changeOf({price, change_24h_pct: percent}) {
  if (price === null || percent === null) return null;
  const before = percent > -100 ? price / (1 + percent / 100) : 0;
  return {percent, amount: price - before};
}
