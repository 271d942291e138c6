/** Chart, readout and table of a coin's candles in the chosen range: loaded, kept current, rendered. */
import {ask} from "./api.js";
import {extend, findBeginning, findExtremes, floor, readCandles} from "./candles.js";
import {drawChart} from "./chart.js";
import {setText} from "./marks.js";
import {formatPercent, formatPrice, money as moneyIn, texts, translate} from "./numbers.js";
import {load, save} from "./preferences.js";
import {clearReadout, describeCandle, fillTable, showCandle, wireKeys} from "./readout.js";

const RETRY_MS = 10_000, JUST_ASKED_MS = 5_000;
// A closed candle is read from the server a moment after its end, when that has it too.
const CLOSED_AFTER_MS = 5_000;
const byId = (id) => document.getElementById(id);

export function createHistory(page, places) {
  const element = byId("chart"), rangeButtons = [...byId("ranges").children], kindButtons = [...byId("kinds").children];
  let decimals = places, currency = page.currency;
  let range = chosenButton(rangeButtons), candles = [], step = Number(range.dataset.step), attempt = 0, timer = null, loaded = false, askedAt = 0;
  let pointed = null, newest = null, publishedAt = 0, changed = true;
  const money = (value) => moneyIn(value, currency, decimals);
  const chart = drawChart(element, (value) => formatPrice(value, decimals).full, (candle) => {
    const moved = candle !== pointed;
    pointed = candle;
    showReadout(moved);
  });
  element.addEventListener("focus", () => showReadout(true));
  wireKeys(element, () => candles, () => pointed, (candle) => chart.point(candle));

  /** In the base it is the address that the page preloads. */
  function address() {
    return `${page.candlesUrl}?${range.dataset.query}${currency === page.base ? "" : `&currency=${currency}`}`;
  }

  function forget() {
    loaded = false;
    candles = [];
  }

  /** Read the range from the server: at first, after a gap, when a candle has ended. What is shown stays until then. */
  async function reload() {
    const mine = ++attempt, wanted = {step: Number(range.dataset.step), count: Number(range.dataset.count)};
    const oldest = findBeginning(wanted, newest?.at ?? Date.now() / 1000);
    clearTimeout(timer);
    byId("csv").href = `${address()}&start=${new Date(1000 * oldest).toISOString()}&format=csv`;
    if (!byId("gone").hidden) return; // the server does not know this coin any more
    askedAt = Date.now();
    const answer = await ask(`${address()}&points=${page.points}`); // a screen shows no more
    if (mine !== attempt) return;
    if (!answer) {
      timer = setTimeout(reload, RETRY_MS);
      if (!candles.length) show(byId("chart-empty"), texts.chart_away);
      return;
    }
    candles = readCandles(answer, oldest);
    step = answer.step;
    loaded = true;
    if (newest) extend(candles, newest.coin, newest.at, step);
    show(byId("chart-empty"), candles.length ? "" : texts.chart_empty);
    const note = translate("chart_unconverted", {n: answer.unconverted, currency: currency.toUpperCase()});
    show(byId("chart-note"), answer.unconverted ? note : "");
    pointed = null;
    changed = true;
    if (!document.hidden) render();
  }

  /** Leave nothing of another range or currency. */
  function blank() {
    chart.clear();
    fillTable([], step, decimals);
    for (const id of ["extremes", "moved"]) setText(byId(id), "");
    clearReadout();
  }

  function render() {
    const chosen = chosenButton(kindButtons).dataset.kind;
    if (!changed || !loaded || byId("pause")?.getAttribute("aria-pressed") === "true") return;
    changed = false;
    if (!candles.length) return blank();
    chart.show({candles, step, kind: chosen, until: floor(publishedAt, step)});
    const {low, high} = findExtremes(candles), [first, last] = [Number(candles[0].open), Number(candles.at(-1).close)];
    setText(byId("extremes"), translate("extremes", {low: money(low.low), high: money(high.high)}));
    setText(byId("moved"), translate("moved", {change: formatPercent((last / first - 1) * 100)}));
    fillTable(candles, step, decimals);
    showReadout();
  }

  /** Tell screen readers only where the reader has moved: nobody wants to hear each price. */
  function showReadout(moved = false) {
    const candle = pointed ?? candles.at(-1);
    if (candle) showCandle(candle, step, money);
    if (candle && moved && document.activeElement === element) element.setAttribute("aria-valuetext", describeCandle());
  }

  function choose(buttons, button, name) {
    if (!button) return;
    for (const each of buttons) each.setAttribute("aria-pressed", each === button);
    save(name, button.dataset[name === "range" ? "range" : "kind"]);
    changed = true;
  }

  byId("ranges").addEventListener("click", ({target}) => {
    if (!target.dataset.range) return;
    choose(rangeButtons, target, "range");
    range = target;
    forget();
    reload();
  });
  byId("kinds").addEventListener("click", ({target}) => {
    choose(kindButtons, target.dataset.kind && target, "chart");
    render();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) reload(); });
  reload();
  return {
    render,
    /** Begin again in the currency of *coin*: nothing stays that is in another one. */
    follow(coin) {
      if (coin.currency === currency) return;
      ({currency, decimals} = coin);
      newest = pointed = null;
      forget();
      blank();
      reload();
    },
    /** After a gap: the first board of a page that has just asked is none. */
    catchUp() { if (Date.now() - askedAt > JUST_ASKED_MS) reload(); },
    /** Take in what was published of the coin at the server's time *at*, in seconds; a stale price makes no candle. */
    extend(coin, at) {
      if (floor(at, step) !== floor(publishedAt, step)) changed = true;
      publishedAt = at;
      if (coin.price === null || coin.stale) return;
      const ended = candles.length > 0 && at >= candles.at(-1).time + step;
      newest = {coin, at};
      if (loaded) extend(candles, coin, at, step);
      if (loaded) show(byId("chart-empty"), "");
      changed = true;
      if (!ended) return;
      clearTimeout(timer);
      timer = setTimeout(reload, CLOSED_AFTER_MS * (1 + Math.random()));
    },
  };
}

function chosenButton(buttons) {
  return buttons.find((button) => button.getAttribute("aria-pressed") === "true");
}

function show(node, text) {
  node.hidden = !text;
  setText(node, text);
}
