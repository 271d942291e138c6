// A React hook on a live board: const {coins, asOf, state, code, retry} = useRates({url, symbols, token});
// Prices are strings with exact decimals: format them, do not calculate with them as numbers.
// `state` is "connecting", "open", "waiting" or "refused"; `code` is the close code of the last socket until one is open
// again: "refused" with 4001 means log in and give another token, or call retry().
import { useCallback, useEffect, useRef, useState } from "react";
import { connectRates } from "./rates-socket.js";

const EMPTY = { coins: [], asOf: null, state: "connecting", code: null };

// `options` are further ones of connectRates; those of the first rendering hold.
export function useRates({ url, symbols, token, ...options } = {}) {
  const [board, setBoard] = useState(EMPTY);
  const socket = useRef(null), latest = useRef(null);
  const selection = symbols?.join(",");
  // A function that is written inline is another one with each rendering: that is no reason to connect again.
  const isAsked = typeof token === "function";
  useEffect(() => { latest.current = token; });
  useEffect(() => {
    socket.current = connectRates({
      ...options,
      url,
      token: isAsked ? () => latest.current() : token,
      symbols: selection?.split(","),
      onMessage: (message) => setBoard((board) => merge(board, message)),
      onState: (state, info) => setBoard((board) => ({ ...board, state, code: closeCode(board, state, info) })),
    });
    return () => socket.current.stop();
  }, [url, selection, isAsked || token]);
  const retry = useCallback(() => socket.current?.retry(), []);
  return { ...board, retry };
}

function closeCode(board, state, info) {
  return state === "open" ? null : info.code ?? board.code;
}

export function merge(board, message) {
  switch (message.type) {
    case "board":
      return { ...board, coins: message.rates, asOf: message.as_of };
    case "update": {
      const coins = new Map(board.coins.map((coin) => [coin.symbol, coin]));
      for (const symbol of message.removed) coins.delete(symbol);
      for (const coin of message.rates) coins.set(coin.symbol, coin);
      const order = message.symbols ?? [...coins.keys()];
      return { ...board, coins: order.map((symbol) => coins.get(symbol)), asOf: message.as_of };
    }
    case "heartbeat":
      return { ...board, asOf: message.as_of };
    default:
      return board;
  }
}
