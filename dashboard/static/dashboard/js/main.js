/** The page from top to bottom: its parts, the socket that feeds the board, what is rendered of it, the controls. */
import {newToken} from "./api.js";
import {createBoard} from "./board.js";
import {wireControls} from "./controls.js";
import {formatPercent, money, texts, translate} from "./numbers.js";
import {keepLines} from "./lines.js";
import {createOrder} from "./order.js";
import {sinceWords} from "./paint.js";
import {periodOf} from "./period.js";
import {load, save, storageKey} from "./preferences.js";
import {connectRates} from "./rates-socket.js";
import {createStatus} from "./status.js";
import {createView} from "./view.js";

const byId = (id) => document.getElementById(id);
const page = document.body.dataset, ownTitle = document.title;
const hasTable = byId("rows") && !document.body.classList.contains("wall");
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

const board = createBoard(JSON.parse(byId("board").textContent));
const status = createStatus(board);
const order = createOrder(board, page, !hasTable);
const view = createView(board, order, status);
const symbols = page.select ? page.select.split(",") : undefined;
let paused = false, frameRequested = false, titledAt = 0, wanted = board.currency, whole = false;

const socket = connectRates({
  url: () => `${location.origin.replace("http", "ws")}${page.root}/ws/rates?currency=${wanted}`,
  symbols,
  token: page.tokenUrl ? newToken : undefined,
  quiet: Number(page.heartbeat) + 3,
  onState(name, info) {
    status.setLink(name, info);
    refreshAges();
  },
  onMessage(message) {
    const kind = board.apply(message);
    followCurrency(message);
    status.received(kind);
    if (!kind) return;
    if (!frameRequested && !paused) frameRequested = requestAnimationFrame(render);
    updateTitle();
    document.dispatchEvent(new CustomEvent("rates:received", {detail: {kind, board}}));
  },
});

function chooseCurrency(currency) {
  wanted = currency;
  save("currency", currency);
  socket.send({type: "select", symbols: symbols ?? null, currency}); // without a connection, the next one asks for it
}

/** The board says what its prices are in: all else follows it, and the visitor's last choice is asked for until it comes. */
function followCurrency({type, code}) {
  if (type === "error" && code === "unknown_currency") chooseCurrency(page.base); // it is offered no longer
  if (type === "board" && board.currency !== wanted) chooseCurrency(wanted);
  if (board.currency === page.currency) return;
  const converted = document.querySelector("#converter [name=to]");
  if (converted?.value === page.currency) converted.value = board.currency;
  page.currency = board.currency;
  if (byId("currency")) byId("currency").value = wanted;
  whole = true;
  titledAt = 0;
  readLines();
}

function render() {
  frameRequested = false;
  if (paused) return;
  view.render({flash: !reducedMotion.matches, whole});
  whole = false;
  document.dispatchEvent(new CustomEvent("rates:rendered", {detail: {coins: board.coins}}));
  status.paint();
}

function refreshAges() {
  status.paint();
  view.refreshAges();
}

function pause(on) {
  paused = on;
  status.pause(on);
  render();
  refreshAges();
  updateTitle(true);
}

/** Show the first coin's price in the tab, once a second at most; a hidden page has no animation frames. */
function updateTitle(now = false) {
  if (!now && Date.now() - titledAt < 1000) return;
  titledAt = Date.now();
  const coin = order.firstCoin(), shown = load("title") && coin?.price && !paused;
  const arrow = Number(coin && periodOf(coin).change?.percent) < 0 ? "▼" : "▲";
  const text = shown ? `${money(coin.price, coin.currency, coin.decimals)} ${arrow} ${coin.symbol}` : ownTitle;
  if (document.title !== text) document.title = text;
}

/** For screen readers, and only on request: nobody wants to hear five prices a second. */
function announce() {
  const coin = order.firstCoin(), period = coin && periodOf(coin), change = period?.change;
  if (!load("announce") || !change || paused) return;
  const price = money(coin.price, coin.currency, coin.decimals);
  const values = {name: coin.name, price, change: formatPercent(change.percent), window: sinceWords(period) || texts.window_day};
  const state = status.isLate() ? `, ${texts[status.state()]}` : "";
  byId("announcer").textContent = translate("announce", values) + state;
}

/** Alerts cost nothing until somebody has or wants one. */
function wireAlerts() {
  let alerts = null;
  const start = async () => alerts ??= (await import("./alerts.js")).createAlerts(board);
  const open = () => start().then((ready) => ready.open(), () => { byId("toast").textContent = texts.lost; });
  const startIfAny = () => load("alerts").length && start().then((ready) => ready.check());
  byId("alerts-open").addEventListener("click", open);
  document.addEventListener("rates:received", () => alerts?.check());
  addEventListener("storage", ({key}) => { if (key === storageKey("alerts")) startIfAny(); }); // set in another tab
  startIfAny();
}

byId("converter-open")?.addEventListener("click", () => {
  import("./converter.js").then(({openConverter}) => openConverter(), () => { byId("toast").textContent = texts.lost; });
});
const linesUrl = (some = page.select ?? "") => `${page.linesUrl}?${new URLSearchParams({symbols: some, currency: board.currency})}`;
const readLines = keepLines(board, linesUrl, () => paused || view.render());
byId("currency")?.addEventListener("change", ({target}) => chooseCurrency(target.value));
if (byId("alerts")) wireAlerts();
wireControls(board, order, view, {pause, announce, retry: socket.retry, settingChanged: () => updateTitle(true)});
// Preloaded where there is a table.
if (byId("rows")) (await import("./table-controls.js")).wireTable(board, order, view);
view.render({whole: true});
refreshAges();
if (document.body.classList.contains("wall")) import("./wall.js").then(({startWall}) => startWall(byId("cards"), byId("wall-page"), status.isPaused));
setInterval(refreshAges, 1000);
setInterval(announce, 30000);
