// A React hook on a live board: const {coins, asOf, state} = useRates({url, symbols, token});
// Prices are strings with exact decimals: format them, do not calculate with them as numbers.
import { useEffect, useState } from "react";
import { connectRates } from "./rates-socket.js";

const EMPTY = { coins: [], asOf: null, state: "connecting" };

export function useRates({ url, symbols, token } = {}) {
  const [board, setBoard] = useState(EMPTY);
  const selection = symbols?.join(",");
  useEffect(() => {
    const socket = connectRates({
      url,
      token,
      symbols: selection?.split(","),
      onMessage: (message) => setBoard((board) => merge(board, message)),
      onState: (state) => setBoard((board) => ({ ...board, state })),
    });
    return () => socket.stop();
  }, [url, selection, token]);
  return board;
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
