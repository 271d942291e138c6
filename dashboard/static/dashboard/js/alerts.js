/** Price alerts of this browser: kept in localStorage, checked with every publication, told once per five minutes. */
import {changeOf} from "./board.js";
import {formatPercent, formatPrice, say, words} from "./numbers.js";
import {load, save} from "./preferences.js";

const REST_MS = 300000;
const find = (id) => document.getElementById(id);
const sign = document.body.dataset.sign;

/** How far a coin is from an alert, in percent (points for a move): 0 when it is met, null when nothing is known. */
export function distance({kind, value}, coin) {
  if (!coin?.price) return null;
  const price = Number(coin.price);
  if (kind === "above") return Math.max(0, (value / price - 1) * 100);
  if (kind === "below") return Math.max(0, (1 - value / price) * 100);
  const moved = coin.change_24h_pct === null ? null : Math.abs(changeOf(coin).percent);
  return moved === null ? null : Math.max(0, value - moved);
}

function describe({kind, symbol, value}) {
  const text = kind === "move" ? `±${formatPercent(value).slice(1)}` : sign + formatPrice(value).full;
  return say(`alert_${kind}`, {symbol, value: text});
}

export function createAlerts(board) {
  const dialog = find("alerts"), form = find("alert-form"), list = find("alert-list"), notify = find("alert-notify");
  let alerts = load("alerts", []);

  function keep() {
    save("alerts", alerts);
    paint();
  }

  function paint() {
    list.replaceChildren(...alerts.map((alert) => {
      const item = document.createElement("li"), text = document.createElement("span");
      const far = document.createElement("small"), remove = document.createElement("button");
      const left = distance(alert, board.coins.get(alert.symbol));
      text.textContent = describe(alert);
      const away = left && formatPercent(left).slice(/^[+−]/.test(formatPercent(left)) ? 1 : 0);
      far.textContent = left === null ? words.alert_unknown : left === 0 ? words.alert_met : say("alert_far", {distance: away});
      remove.className = "ctl icon";
      remove.textContent = "×";
      remove.setAttribute("aria-label", say("alert_remove", {alert: describe(alert)}));
      remove.addEventListener("click", () => { alerts = alerts.filter((each) => each !== alert); keep(); });
      item.append(text, far, remove);
      return item;
    }));
    notify.hidden = !("Notification" in window) || Notification.permission !== "default";
  }

  function fire(alert, coin) {
    const price = sign + formatPrice(coin.price, coin.decimals).full;
    const text = say("alert_fired", {alert: describe(alert), symbol: alert.symbol, price});
    find("toast").textContent = text;
    setTimeout(() => { if (find("toast").textContent === text) find("toast").textContent = ""; }, 15000);
    if ("Notification" in window && Notification.permission === "granted") new Notification(text, {tag: describe(alert)});
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const {symbol, kind, value} = Object.fromEntries(new FormData(form));
    const number = Number(value.trim().replace(",", "."));
    find("alert-problem").textContent = number > 0 ? "" : words.alert_bad;
    if (!(number > 0)) return;
    alerts = [...alerts, {symbol, kind, value: number, firedAt: 0}];
    form.elements.value.value = "";
    keep();
    check();
  });
  notify.addEventListener("click", () => Notification.requestPermission().then(paint));

  function check() {
    const due = alerts.filter((alert) => Date.now() - alert.firedAt > REST_MS
      && distance(alert, board.coins.get(alert.symbol)) === 0);
    for (const alert of due) {
      alert.firedAt = Date.now();
      fire(alert, board.coins.get(alert.symbol));
    }
    if (due.length) save("alerts", alerts);
    if (dialog.open && !list.contains(document.activeElement)) paint();
  }

  return {
    check,
    open() {
      form.elements.symbol.replaceChildren(...[...board.coins.keys()].map((symbol) => new Option(symbol, symbol)));
      paint();
      dialog.showModal();
    },
  };
}
