/**
 * Price alerts of this browser: kept in localStorage for all its tabs, checked by each of them with every publication.
 *
 * Whoever comes first tells and writes down that it has; a hidden tab comes later than one that somebody sees.
 */
import {confirm, describe, describeDistance, distance, readAlert, tell} from "./alert-rules.js";
import {convertCoin} from "./factors.js";
import {setText} from "./marks.js";
import {canNotify, notify} from "./notifications.js";
import {formatClock, translate} from "./numbers.js";
import {load, save, storageKey} from "./preferences.js";
import {showToast} from "./toast.js";

const REPEAT_AFTER_MS = 300_000, HIDDEN_LATER_MS = 1_000, MOST_TOLD = 20;
const {base} = document.body.dataset;
const byId = (id) => document.getElementById(id);
// Where there are no locks (no https), reading and writing in one go is nearly as good.
const exclusively = async (work) => (navigator.locks ? navigator.locks.request(storageKey("alerts"), work) : work());

export function createAlerts(board) {
  const [dialog, form, list, permit, toldList] = ["alerts", "alert-form", "alert-list", "alert-notify", "alert-told"].map(byId);
  let alerts = load("alerts"), checking = false;
  /** The coin of an alert, in the currency that the alert was set in. */
  const coinOf = ({symbol, currency = base}) => board.coins.has(symbol) && convertCoin(board.coins.get(symbol), currency);
  const distanceOf = (alert) => distance(alert, coinOf(alert));
  const without = (alert) => load("alerts").filter((each) => describe(each) !== describe(alert));
  const isDue = (alert) => Date.now() - alert.firedAt > REPEAT_AFTER_MS && distanceOf(alert) === 0;

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
      replaceAlerts(without(alert));
      form.elements.symbol.focus();
    });
    item.append(text, left, remove);
    return item;
  }

  function paint() {
    list.querySelectorAll("small").forEach((left, i) => setText(left, describeDistance(distanceOf(alerts[i]))));
    permit.hidden = !canNotify || Notification.permission !== "default";
  }

  /** What has fired stays readable here, newest first. */
  function paintTold() {
    const told = load("told");
    toldList.hidden = !told.length;
    toldList.lastElementChild.replaceChildren(...told.map(({text, at}) => {
      const [item, what, time] = ["li", "span", "small"].map((name) => document.createElement(name));
      what.textContent = text;
      time.textContent = formatClock(at);
      item.append(what, time);
      return item;
    }));
    byId("alerts-open").classList.toggle("news", told.some(({at}) => at > load("toldSeen")));
  }

  function check() {
    if (dialog.open) paint();
    if (checking || !alerts.some(isDue)) return;
    checking = true;
    if (document.hidden) setTimeout(run, HIDDEN_LATER_MS);
    else run();
  }

  async function run() {
    await exclusively(fireDue);
    checking = false;
  }

  /** Tell what is due, unless another tab has told it meanwhile. */
  function fireDue() {
    alerts = load("alerts");
    const due = alerts.filter(isDue), now = Date.now();
    if (!due.length) return;
    for (const alert of due) alert.firedAt = now;
    save("alerts", alerts);
    const told = due.map((alert) => tell(alert, coinOf(alert)));
    save("told", [...told.map((text) => ({text, at: new Date(now).toISOString()})), ...load("told")].slice(0, MOST_TOLD));
    for (const text of told) {
      showToast(text);
      notify(text);
    }
    paintTold();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const {alert, problem} = readAlert(Object.fromEntries(new FormData(form)), board.currency);
    byId("alert-problem").textContent = problem ?? "";
    byId("alert-understood").textContent = alert ? confirm(alert, board.coins.get(alert.symbol)) : "";
    if (!alert) return;
    form.elements.value.value = "";
    replaceAlerts([...without(alert), alert]);
    check();
  });
  permit.addEventListener("click", () => Notification.requestPermission().then(paint));
  addEventListener("storage", ({key}) => { // another tab's
    if (key === storageKey("alerts") && dialog.open) replaceAlerts(load("alerts"));
    else if (key === storageKey("alerts")) alerts = load("alerts");
    else if (key === storageKey("told") || key === storageKey("toldSeen")) paintTold();
  });
  paintTold();

  return {
    check,
    open() {
      form.elements.symbol.replaceChildren(...[...board.coins.keys()].map((symbol) => new Option(symbol, symbol)));
      replaceAlerts(load("alerts"));
      save("toldSeen", new Date().toISOString());
      paintTold();
      dialog.showModal();
    },
  };
}
