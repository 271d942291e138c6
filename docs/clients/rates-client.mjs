// Print prices as they change, with Node 22 or newer and nothing installed:
//     node rates-client.mjs ws://127.0.0.1:8000/ws/rates
import { subscribe } from "node:diagnostics_channel";
import { parseArgs } from "node:util";
import { connectRates } from "./rates-socket.js";

// Seconds: the first wait and the longest, of which a random part is waited, and the silence that ends a connection.
const seconds = (text) => ({ type: "string", default: text });
const options = { "first-wait": seconds("10"), "longest-wait": seconds("30"), quiet: seconds("13") };
const { values: given, positionals: [url] } = parseArgs({ options, allowPositionals: true });
if (!/^wss?:\/\//.test(url)) fail(`${url ?? "nothing"} is no address of a socket, such as ws://127.0.0.1:8000/ws/rates`);
if (!globalThis.WebSocket) fail(`needs Node 22 or newer; this is ${process.version}`);
const coins = new Map();
let refusal = null;

// Node's WebSocket keeps to itself why a handshake failed; the HTTP client below it tells whoever asks.
subscribe("undici:request:headers", ({ request, response }) => {
  if (request.upgrade === "websocket" && response.statusCode !== 101) {
    refusal = { status: response.statusCode, retryAfter: retryAfter(response.headers.map(String)) };
  }
});

function fail(why) {
  console.error(`rates-client.mjs: ${why}`);
  process.exit(2);
}

function retryAfter(headers) {
  const at = headers.findIndex((name, place) => place % 2 === 0 && name.toLowerCase() === "retry-after");
  return at < 0 ? undefined : Number(headers[at + 1]);
}

function read(message) {
  if (message.type === "board") coins.clear();
  if (message.type !== "board" && message.type !== "update") return;
  for (const symbol of message.removed ?? []) coins.delete(symbol);
  for (const coin of message.rates) coins.set(coin.symbol, coin.price);
  console.log(message.as_of, JSON.stringify(Object.fromEntries(coins)));
}

function show(state, { seconds, code, status }) {
  if (state === "connecting") refusal = null;
  const end = status ? `refused with ${status}` : `closed with ${code}`;
  if (state === "waiting") console.error(`${end}; next attempt in ${seconds.toFixed(3)} s`);
  if (state === "refused") {
    console.error(`not allowed: ${end}`);
    process.exitCode = 1;
  }
}

process.stdout.on("error", () => process.exit()); // nobody reads any more
connectRates({
  url,
  token: process.env.RATES_TOKEN,
  onMessage: read,
  onState: show,
  refusal: () => refusal,
  firstWait: Number(given["first-wait"]),
  longestWait: Number(given["longest-wait"]),
  quiet: Number(given.quiet),
});
