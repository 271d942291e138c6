/** The board as the socket tells it: same messages, same board, whatever came before. Knows nothing of the page. */
import {keepDecimals, decimalsFor} from "./numbers.js";

export function createBoard({epoch, seq, as_of, rates, histories}, historyLength) {
  const board = {epoch, seq, asOf: as_of, limits: {}, coins: new Map(), changed: new Set()};
  for (const rate of rates) board.coins.set(rate.symbol, coinFrom(rate, undefined, histories[rate.symbol] ?? []));

  function take(rate) {
    const old = board.coins.get(rate.symbol);
    const coin = coinFrom(rate, old, old?.history ?? []);
    if (rate.price !== null && rate.observed_at !== old?.observed_at) {
      coin.history = [...coin.history, rate.price].slice(-historyLength);
    }
    board.changed.add(rate.symbol);
    return coin;
  }

  function reorder(symbols) {
    board.coins = new Map(symbols.filter((symbol) => board.coins.has(symbol)).map((s) => [s, board.coins.get(s)]));
  }

  function stand(message) {
    board.epoch = message.epoch;
    board.seq = message.seq;
    board.asOf = message.as_of;
  }

  /** Take a message in; return what it was, for the page: "hello", "board", "update", "heartbeat" or null. */
  board.apply = (message) => {
    switch (message.type) {
      case "hello":
        board.limits = message;
        break;
      case "board":
        board.coins = new Map(message.rates.map((rate) => [rate.symbol, take(rate)]));
        stand(message);
        break;
      case "update":
        for (const rate of message.rates) board.coins.set(rate.symbol, take(rate));
        for (const symbol of message.removed ?? []) board.coins.delete(symbol);
        if (message.symbols) reorder(message.symbols);
        stand(message);
        break;
      case "heartbeat":
        board.asOf = message.as_of;
        break;
      case "bye":
        return null;
      default:
        console.info("rates: a message of a kind this page does not know:", message.type);
        return null;
    }
    return message.type;
  };
  return board;
}

function coinFrom(rate, old, history) {
  const decimals = old?.price ? keepDecimals(rate.price ?? old.price, old.decimals) : decimalsFor(rate.price ?? 10);
  return {...rate, history, decimals, before: old?.price ?? null};
}

/** Return {percent, amount, window: "day" or a count} of a coin; null when nothing is known. */
export function changeOf(coin) {
  if (coin.price === null) return null;
  const price = Number(coin.price);
  if (coin.change_24h_pct !== null) {
    return {percent: coin.change_24h_pct, amount: price - price / (1 + coin.change_24h_pct / 100), window: "day"};
  }
  if (coin.history.length < 2) return null;
  const first = Number(coin.history[0]);
  return {percent: (price / first - 1) * 100, amount: price - first, window: coin.history.length};
}
