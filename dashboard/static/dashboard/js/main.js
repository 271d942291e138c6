/** Find the elements of the page and wire them: socket to board, board to view, controls to both. */
import {createBoard, changeOf} from "./board.js";
import {formatPercent, formatPrice, say, words} from "./numbers.js";
import {applyLook, load, wireSettings} from "./preferences.js";
import {connectRates} from "./rates-socket.js";
import {createStatus} from "./status.js";
import {wireControls} from "./controls.js";
import {createView} from "./view.js";

const page = document.body.dataset;
const board = createBoard(JSON.parse(document.getElementById("board").textContent), Number(page.history));
const status = createStatus(board), view = createView(board);
const title = document.title;
let paused = false, asked = false, arrived = null;

const socket = connectRates({
  symbols: page.select ? page.select.split(",") : undefined,
  token: page.tokenUrl ? async () => (await (await fetch(page.tokenUrl)).json()).token : undefined,
  quiet: Number(page.heartbeat) + 3,
  onState: (name, info) => { status.link(name, info); tick(); },
  onMessage: (message) => {
    const kind = board.apply(message);
    status.heard(kind);
    if (arrived !== "board") arrived = kind;
    if (kind && !asked && !paused) { asked = true; requestAnimationFrame(show); }
    if (!kind) return;
    retitle();
    document.dispatchEvent(new Event("rates:arrived"));
  },
});

function show() {
  asked = false;
  if (!paused) {
    view.render(!matchMedia("(prefers-reduced-motion: reduce)").matches);
    document.dispatchEvent(new CustomEvent("rates:shown", {detail: {kind: arrived, coins: board.coins}}));
    arrived = null;
  }
  tick();
}

function tick() {
  status.paint();
  view.ages(status.serverNow(), status.late());
}

/** The first pin's price in the tab, which is painted while nobody looks at the page. */
function retitle() {
  const symbol = view.pinned()[0] ?? board.coins.keys().next().value, coin = board.coins.get(symbol);
  const shown = load("title", true) && coin?.price && !paused;
  const way = shown && Number(changeOf(coin)?.percent ?? 0) < 0 ? "▼" : "▲";
  const text = shown ? `${formatPrice(coin.price, coin.decimals).full} ${way} ${symbol}` : title;
  if (document.title !== text) document.title = text;
}

function pause(on) {
  paused = on;
  status.pause(on);
  show();
}

/** For screen readers, and only when asked for: nobody wants to be read five prices a second. */
function announce() {
  const coin = board.coins.get(view.pinned()[0] ?? board.coins.keys().next().value), change = coin && changeOf(coin);
  if (!load("announce", false) || !change || paused) return;
  const window = change.window === "day" ? words.window_day : say("window_last", {n: change.window});
  const price = page.sign + formatPrice(coin.price, coin.decimals).full;
  const state = status.late() ? `, ${words[status.state()]}` : "";
  document.getElementById("announcer").textContent =
    say("announce", {name: coin.name, price, change: formatPercent(change.percent), window}) + state;
}

/** Alerts cost nothing until somebody has or wants one. */
async function startAlerts() {
  const button = document.getElementById("alerts-open");
  let alerts = null;
  const start = async () => { alerts ??= (await import("./alerts.js")).createAlerts(board); return alerts; };
  document.addEventListener("rates:arrived", () => alerts?.check());
  if (load("alerts", []).length) await start();
  button.hidden = false;
  button.addEventListener("click", async () => (await start()).open());
}

if (document.getElementById("dialog")) { // an embedded card has its look from its address
  applyLook();
  startAlerts();
  wireSettings(document.getElementById("dialog"), document.getElementById("settings"), retitle);
}
wireControls({view, pause, retry: socket.retry});
view.render();
setInterval(tick, 1000);
setInterval(announce, 30000);
tick();
