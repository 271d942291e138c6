/** What a coin is in another currency than that of the board, by `/api/currencies`; asked only while somebody wants to know. */
import {ask} from "./api.js";

const ASK_MS = 60_000, TOO_OLD_MS = 300_000;
const {root} = document.body.dataset;
let worths = new Map(), askedAt = -Infinity, readAt = -Infinity;

async function refresh() {
  askedAt = Date.now();
  const answer = await ask(`${root}/api/currencies`);
  if (!answer) return; // asked again in a minute
  worths = new Map(answer.currencies.map((worth) => [worth.code, worth]));
  readAt = Date.now();
}

/** Return a coin with price, change and marks in *currency*; null while nobody knows. */
export function convertCoin(coin, currency) {
  if (coin.currency === currency || coin.price === null) return coin;
  if (Date.now() - askedAt > ASK_MS) refresh();
  const given = worths.get(coin.currency), wanted = worths.get(currency);
  if (!given || !wanted || Date.now() - readAt > TOO_OLD_MS) return null;
  return {
    ...coin, currency,
    decimals: undefined, // those of its size
    price: (coin.price * wanted.per_base) / given.per_base,
    change_24h_pct: convertChange(coin.change_24h_pct, given.change_24h_pct, wanted.change_24h_pct),
    stale: coin.stale || given.stale || wanted.stale,
    disputed: coin.disputed || given.disputed || wanted.disputed,
  };
}

function convertChange(...changes) {
  if (changes.includes(null)) return null;
  const [coin, given, wanted] = changes.map((change) => 1 + change / 100);
  return ((coin * wanted) / given - 1) * 100;
}
