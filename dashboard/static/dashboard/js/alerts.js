/** Price alerts of this browser: kept in localStorage, checked with every publication, told once per five minutes. */
import {changeOf} from "./board.js";
import {setText} from "./marks.js";
import {formatPrice, formatShare, say, words} from "./numbers.js";
import {load, save} from "./preferences.js";

const REST_MS = 300000, TOAST_MS = 15000;
const find = (id) => document.getElementById(id);
const sign = document.body.dataset.sign;
const canNotify = "Notification" in window;

/** How far a coin is from an alert, in percent (points for a move): 0 when it is met, null when nothing is known. */
export function distance({kind, value}, coin) {
  if (!coin?.price) return null;
  if (kind === "above") return Math.max(0, (value / coin.price - 1) * 100);
  if (kind === "below") return Math.max(0, (1 - value / coin.price) * 100);
  return coin.change_24h_pct === null ? null : Math.max(0, value - Math.abs(changeOf(coin).percent));
}

function describe({kind, symbol, value}) {
  const text = kind === "move" ? `±${formatShare(value)}` : sign + formatPrice(value).full;
  return say(`alert_${kind}`, {symbol, value: text});
}

function describeDistance(left) {
  if (left === null) return words.alert_unknown;
  return left === 0 ? words.alert_met : say("alert_far", {distance: formatShare(left)});
}

function tell(alert, coin) {
  const price = sign + formatPrice(coin.price, coin.decimals).full, what = describe(alert), toast = find("toast");
  const text = say("alert_fired", {alert: what, symbol: alert.symbol, price});
  toast.textContent = text;
  setTimeout(() => { if (toast.textContent === text) toast.textContent = ""; }, TOAST_MS);
  if (canNotify && Notification.permission === "granted") new Notification(text, {tag: what});
}

export function createAlerts(board) {
  const dialog = find("alerts"), form = find("alert-form"), list = find("alert-list"), notify = find("alert-notify");
  let alerts = load("alerts");
  const left = (alert) => distance(alert, board.coins.get(alert.symbol));

  function keep(changed) {
    alerts = changed;
    save("alerts", alerts);
    list.replaceChildren(...alerts.map(makeItem));
    paint();
  }

  function makeItem(alert) {
    const [item, text, far, remove] = ["li", "span", "small", "button"].map((name) => document.createElement(name));
    text.textContent = describe(alert);
    far.className = "num";
    remove.className = "ctl icon";
    remove.textContent = "×";
    remove.setAttribute("aria-label", say("alert_remove", {alert: describe(alert)}));
    remove.addEventListener("click", () => {
      keep(alerts.filter((each) => each !== alert));
      form.elements.symbol.focus();
    });
    item.append(text, far, remove);
    return item;
  }

  function paint() {
    list.querySelectorAll("small").forEach((far, index) => setText(far, describeDistance(left(alerts[index]))));
    notify.hidden = !canNotify || Notification.permission !== "default";
  }

  function check() {
    const now = Date.now(), due = alerts.filter((alert) => now - alert.firedAt > REST_MS && left(alert) === 0);
    for (const alert of due) tell(alert, board.coins.get(alert.symbol));
    for (const alert of due) alert.firedAt = now;
    if (due.length) save("alerts", alerts);
    if (dialog.open) paint();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const {symbol, kind, value} = Object.fromEntries(new FormData(form));
    const number = Number(value.trim().replace(",", "."));
    find("alert-problem").textContent = number > 0 ? "" : words.alert_bad;
    if (!(number > 0)) return;
    form.elements.value.value = "";
    keep([...alerts, {symbol, kind, value: number, firedAt: 0}]);
    check();
  });
  notify.addEventListener("click", () => Notification.requestPermission().then(paint));
  addEventListener("storage", ({key}) => { if (key === "rates.alerts") alerts = load("alerts"); });

  return {
    check,
    open() {
      form.elements.symbol.replaceChildren(...[...board.coins.keys()].map((symbol) => new Option(symbol, symbol)));
      keep(load("alerts"));
      dialog.showModal();
    },
  };
}
