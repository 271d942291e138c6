/** Price alerts of this browser: kept in localStorage, checked with every publication, shown once per five minutes. */
import {setText} from "./marks.js";
import {formatPrice, formatShare, texts, translate} from "./numbers.js";
import {changeOf} from "./period.js";
import {load, save} from "./preferences.js";

const REPEAT_AFTER_MS = 300000, TOAST_MS = 15000;
const byId = (id) => document.getElementById(id);
const sign = document.body.dataset.sign;
const canNotify = "Notification" in window;

/** Return how far a coin is from an alert, in percent (points for a move): 0 when it is met, null when unknown. */
export function distance({kind, value}, coin) {
  if (!coin?.price) return null;
  if (kind === "above") return Math.max(0, (value / coin.price - 1) * 100);
  if (kind === "below") return Math.max(0, (1 - value / coin.price) * 100);
  return coin.change_24h_pct === null ? null : Math.max(0, value - Math.abs(changeOf(coin).percent));
}

function describe({kind, symbol, value}) {
  const text = kind === "move" ? `±${formatShare(value)}` : sign + formatPrice(value).full;
  return translate(`alert_${kind}`, {symbol, value: text});
}

function describeDistance(left) {
  if (left === null) return texts.alert_unknown;
  return left === 0 ? texts.alert_met : translate("alert_far", {distance: formatShare(left)});
}

/** Show an alert on the page, and as a notification where the visitor has allowed them. */
function fire(alert, coin) {
  const price = sign + formatPrice(coin.price, coin.decimals).full, what = describe(alert), toast = byId("toast");
  const mark = coin.disputed ? texts.disputed : coin.stale ? texts.stale : "";
  const told = translate("alert_fired", {alert: what, symbol: alert.symbol, price});
  const text = mark ? translate("alert_doubtful", {alert: told, mark}) : told;
  toast.textContent = text;
  setTimeout(() => { if (toast.textContent === text) toast.textContent = ""; }, TOAST_MS);
  if (canNotify && Notification.permission === "granted") new Notification(text, {tag: what});
}

export function createAlerts(board) {
  const [dialog, form, list, permit] = ["alerts", "alert-form", "alert-list", "alert-notify"].map(byId);
  let alerts = load("alerts");
  const distanceOf = (alert) => distance(alert, board.coins.get(alert.symbol));

  function replaceAlerts(changed) {
    alerts = changed;
    save("alerts", alerts);
    list.replaceChildren(...alerts.map(makeItem));
    paint();
  }

  function makeItem(alert) {
    const [item, text, left, remove] = ["li", "span", "small", "button"].map((name) => document.createElement(name));
    text.textContent = describe(alert);
    left.className = "num";
    Object.assign(remove, {className: "ctl icon", textContent: "×"});
    remove.setAttribute("aria-label", translate("alert_remove", {alert: describe(alert)}));
    remove.addEventListener("click", () => {
      replaceAlerts(alerts.filter((each) => each !== alert));
      form.elements.symbol.focus();
    });
    item.append(text, left, remove);
    return item;
  }

  function paint() {
    list.querySelectorAll("small").forEach((left, i) => setText(left, describeDistance(distanceOf(alerts[i]))));
    permit.hidden = !canNotify || Notification.permission !== "default";
  }

  function check() {
    const now = Date.now();
    const due = alerts.filter((alert) => now - alert.firedAt > REPEAT_AFTER_MS && distanceOf(alert) === 0);
    for (const alert of due) fire(alert, board.coins.get(alert.symbol));
    for (const alert of due) alert.firedAt = now;
    if (due.length) save("alerts", alerts);
    if (dialog.open) paint();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const {symbol, kind, value} = Object.fromEntries(new FormData(form)), number = Number(value.replace(",", "."));
    byId("alert-problem").textContent = number > 0 ? "" : texts.alert_bad;
    if (!(number > 0)) return;
    form.elements.value.value = "";
    replaceAlerts([...alerts, {symbol, kind, value: number, firedAt: 0}]);
    check();
  });
  permit.addEventListener("click", () => Notification.requestPermission().then(paint));
  addEventListener("storage", ({key}) => { if (key === "rates.alerts") alerts = load("alerts"); }); // another tab's

  return {
    check,
    open() {
      form.elements.symbol.replaceChildren(...[...board.coins.keys()].map((symbol) => new Option(symbol, symbol)));
      replaceAlerts(load("alerts"));
      dialog.showModal();
    },
  };
}
