/** CoinGecko's own client for JavaScript, unchanged: asks the questions on stdin, prints what each of them got. */
import Coingecko from "@coingecko/coingecko-typescript";
import {text} from "node:stream/consumers";

const client = new Coingecko({demoAPIKey: "any text", baseURL: process.argv[2], maxRetries: 0});
const CALLS = {
  ping: () => client.ping.get(),
  price: (params) => client.simple.price.get(params),
  currencies: () => client.simple.supportedVsCurrencies.get(),
  exchange_rates: () => client.exchangeRates.get(),
  search: (params) => client.search.get(params),
  list: (params) => client.coins.list.get(params),
  markets: (params) => client.coins.markets.get(params),
  coin: ({id, ...params}) => client.coins.getID(id, params),
  history: ({id, ...params}) => client.coins.history.get(id, params),
  chart: ({id, ...params}) => client.coins.marketChart.get(id, params),
  range: ({id, ...params}) => client.coins.marketChart.getRange(id, params),
  ohlc: ({id, ...params}) => client.coins.ohlc.get(id, params),
};

async function ask([kind, params]) {
  try {
    return {body: await CALLS[kind](params)};
  } catch (error) {
    return {status: error.status ?? null, error: String(error)};
  }
}

const answers = [];
for (const question of JSON.parse(await text(process.stdin))) answers.push(await ask(question));
console.log(JSON.stringify(answers));
