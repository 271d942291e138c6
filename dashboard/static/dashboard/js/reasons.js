/** Why no price is fresh: which sources are paused, asked now and then for as long as that is so. */
import {ask} from "./api.js";
import {formatClock, sourceName, texts, translate} from "./numbers.js";

const ASK_MS = 5_000;

/** *url* of the pauses; *isLocal*: this is a run on the visitor's own machine. */
export function createReasons(url, isLocal) {
  let askedAt = 0, paused = {};

  async function renew() {
    askedAt = Date.now();
    const answer = await ask(url);
    if (answer) paused = answer;
  }

  return {
    /** Return which sources are asked again when, in words; empty while nothing is known. */
    describe() {
      if (Date.now() - askedAt > ASK_MS) renew();
      return nextTries(paused).map(([name, until]) => translate("next_try", {source: sourceName(name), time: formatClock(until)})).join(" ");
    },
    isSourceless: () => Object.keys(paused).length > 0,
    hint: () => (isLocal ? texts.demo_hint : ""),
  };
}

/** Return [source, when] for each that is paused; of one and its stream, whichever comes first. */
function nextTries(paused) {
  const tries = new Map(), now = Date.now();
  for (const [name, until] of Object.entries(paused)) {
    const source = name.replace(/ stream$/, "");
    if (Date.parse(until) > now && !(tries.get(source) < until)) tries.set(source, until);
  }
  return [...tries];
}
