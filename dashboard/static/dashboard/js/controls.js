/** Buttons, fields and single keys. */
import {applyLook, load, save} from "./preferences.js";
import {words} from "./numbers.js";

const find = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];

/** Wire what there is on this page; *acts*: {pause(on), retry(), announce(), changed()}. */
export function wireControls(order, view, acts) {
  find("retry").addEventListener("click", acts.retry);
  document.addEventListener("click", ({target}) => {
    const star = target.closest(".star");
    if (!star) return;
    order.togglePin(star.closest("[data-symbol]").dataset.symbol);
    view.render({whole: true});
  });
  if (find("rows")) wireTable(order, view);
  if (find("pause")) wireHeader(acts);
  if (document.body.classList.contains("wall")) keepAwake();
}

function wireTable(order, view) {
  find("find").addEventListener("input", ({target}) => { order.search(target.value); view.render(); });
  const choices = all("[data-filter]"), heads = all("[data-sort]");
  for (const choice of choices) {
    choice.addEventListener("click", () => {
      for (const each of choices) each.setAttribute("aria-pressed", each === choice);
      order.filterBy(choice.dataset.filter);
      view.render();
    });
  }
  function markSorting() {
    for (const head of heads) {
      const sort = order.sorting(), cell = head.closest("th");
      if (sort?.by !== head.dataset.sort) cell.removeAttribute("aria-sort");
      else cell.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    }
  }
  for (const head of heads) {
    head.disabled = false;
    head.addEventListener("click", () => {
      order.sortBy(head.dataset.sort);
      view.render();
      markSorting();
    });
  }
  markSorting();
}

function wireHeader({pause, announce, changed}) {
  const button = find("pause"), settings = find("settings");
  applyLook();
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    button.title = `${on ? words.resume : words.pause} (P)`;
    pause(on);
  });
  find("settings-open").addEventListener("click", () => settings.showModal());
  for (const control of all("[data-setting]")) wireSetting(control, changed);
  wireToggle(find("announce"), "announce", announce);
  const acts = {"/": () => find("find")?.focus(), "p": () => button.click(), "?": () => settings.showModal()};
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
    const act = acts[event.key.toLowerCase()];
    if (!act || typing || event.ctrlKey || event.metaKey || event.altKey || !load("keys")) return;
    event.preventDefault();
    act();
  });
}

function wireSetting(control, changed) {
  const name = control.dataset.setting, key = control.type === "checkbox" ? "checked" : "value";
  control[key] = load(name);
  control.addEventListener("change", () => {
    save(name, control[key]);
    applyLook();
    changed();
  });
}

function wireToggle(button, name, act) {
  button.setAttribute("aria-pressed", load(name));
  button.addEventListener("click", () => {
    save(name, !load(name));
    button.setAttribute("aria-pressed", load(name));
    act();
  });
}

/** Keep a television on; browsers drop the lock whenever the page is hidden. */
function keepAwake() {
  const lock = () => document.hidden || navigator.wakeLock?.request("screen").catch(() => null);
  document.addEventListener("visibilitychange", lock);
  lock();
}
