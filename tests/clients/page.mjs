// rates-socket.js as a page has it, under Node: it knows nothing of HTTP statuses.
import { connectRates } from "./rates-socket.js";

const [options, url] = process.argv.slice(2);
const tokens = process.env.RATES_TOKENS?.split(",");

connectRates({
  ...JSON.parse(options),
  url,
  transport: process.env.RATES_TRANSPORT,
  token: tokens ? async () => tokens.shift() : process.env.RATES_TOKEN,
  onMessage: (message) => message.rates && console.log(JSON.stringify(message.rates.map((coin) => coin.price))),
  onState(state, { seconds, code, transport }) {
    if (state === "open") console.error(`open: ${transport}`);
    if (state === "waiting") console.error(`closed with ${code}; next attempt in ${seconds.toFixed(3)} s`);
    if (state === "refused") console.error(`not allowed: closed with ${code}`);
  },
});
