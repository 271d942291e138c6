// The hook in a component that gives it a new token function with each rendering, as its page shows it.
import { createElement } from "react";
import { act, create } from "react-test-renderer";
import { useRates } from "./use-rates.js";

const [options, url] = process.argv.slice(2);
const tokens = process.env.RATES_TOKENS?.split(",");
let shown = "";

// React shows the last of several states in a row only.
globalThis.WebSocket = class extends WebSocket {
  constructor(...values) {
    super(...values);
    console.error("attempt");
  }
};

function Board() {
  const token = tokens ? async () => tokens.shift() : process.env.RATES_TOKEN;
  const { coins, state, code } = useRates({ url, token, symbols: ["BTC"], ...JSON.parse(options) });
  if (coins.length) console.log(JSON.stringify(coins.map((coin) => coin.price)));
  if (state !== shown) console.error(state === "refused" ? `not allowed: closed with ${code}` : `${state} ${code}`);
  shown = state;
  return null;
}

create(createElement(Board));
