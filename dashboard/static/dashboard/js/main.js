/** Find the elements of the page and wire them: socket to board, board to view, controls to both. */
import {createBoard, changeOf} from "./board.js";
import {wireControls} from "./controls.js";
import {formatPercent, formatPrice, say, words} from "./numbers.js";
import {createOrder} from "./order.js";
import {windowOf} from "./paint.js";
import {load} from "./preferences.js";
import {connectRates} from "./rates-socket.js";
import {createStatus} from "./status.js";
import {createView} from "./view.js";

const find = (id) => document.getElementById(id);
const page = document.body.dataset, title = document.title;
const hasTable = find("rows") && !document.body.classList.contains("wall");
const still = matchMedia("(prefers-reduced-motion: reduce)");

const board = createBoard(JSON.parse(find("board").textContent), Number(page.history));
const status = createStatus(board);
const order = createOrder(board, page, !hasTable);
const view = createView(board, order, status);
let paused = false, asked = false, arrived = null, titledAt = 0;

const socket = connectRates({
  symbols: page.select ? page.select.split(",") : undefined,
  token: page.tokenUrl ? async () => (await (await fetch(page.tokenUrl)).json()).token : undefined,
  quiet: Number(page.heartbeat) + 3,
  onState(name, info) {
    status.link(name, info);
    tick();
  },
  onMessage(message) {
    const kind = board.apply(message);
    status.heard(kind);
    if (!kind) return;
    if (arrived !== "board") arrived = kind;
    if (!asked && !paused) asked = requestAnimationFrame(show);
    retitle();
    document.dispatchEvent(new Event("rates:arrived"));
  },
});

function show() {
  asked = false;
  if (paused) return;
  view.render({flash: !still.matches});
  document.dispatchEvent(new CustomEvent("rates:shown", {detail: {kind: arrived, coins: board.coins}}));
  arrived = null;
  status.paint();
}

function tick() {
  status.paint();
  view.age();
}

function pause(on) {
  paused = on;
  status.pause(on);
  show();
  tick();
  retitle(true);
}

/** The first pin's price in the tab, once a second; also while nobody looks at the page. */
function retitle(now = false) {
  if (!now && Date.now() - titledAt < 1000) return;
  titledAt = Date.now();
  const coin = order.leader(), shown = load("title") && coin?.price && !paused;
  const way = Number(coin && changeOf(coin)?.percent) < 0 ? "▼" : "▲";
  const text = shown ? `${formatPrice(coin.price, coin.decimals).full} ${way} ${coin.symbol}` : title;
  if (document.title !== text) document.title = text;
}

/** For screen readers, and only when asked for: nobody wants to be read five prices a second. */
function announce() {
  const coin = order.leader(), change = coin && changeOf(coin);
  if (!load("announce") || !change || paused) return;
  const price = page.sign + formatPrice(coin.price, coin.decimals).full;
  const values = {name: coin.name, price, change: formatPercent(change.percent), window: windowOf(change)};
  const state = status.isLate() ? `, ${words[status.state()]}` : "";
  find("announcer").textContent = say("announce", values) + state;
}

/** Alerts cost nothing until somebody has or wants one. */
function wireAlerts() {
  let alerts = null;
  const start = async () => alerts ??= (await import("./alerts.js")).createAlerts(board);
  const open = () => start().then((ready) => ready.open(), () => { find("toast").textContent = words.lost; });
  find("alerts-open").addEventListener("click", open);
  document.addEventListener("rates:arrived", () => alerts?.check());
  if (load("alerts").length) start();
}

if (find("alerts")) wireAlerts();
wireControls(order, view, {pause, announce, retry: socket.retry, changed: () => retitle(true)});
view.render({whole: true});
tick();
setInterval(tick, 1000);
setInterval(announce, 30000);
