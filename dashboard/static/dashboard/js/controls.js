/** Buttons, the search field and single keys. */
import {load} from "./preferences.js";
import {words} from "./numbers.js";

const find = (id) => document.getElementById(id);

export function wireControls({view, pause, retry}) {
  const button = find("pause"), search = find("find"), dialog = find("dialog");
  find("retry").addEventListener("click", retry);
  document.addEventListener("click", ({target}) => {
    const star = target.closest(".star");
    if (star) view.pin(star.closest("[data-symbol]").dataset.symbol);
  });
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", on);
      button.title = on ? words.resume : words.pause;
      pause(on);
    });
  }
  search?.addEventListener("input", () => view.find(search.value));
  for (const choice of document.querySelectorAll("[data-filter]")) {
    choice.addEventListener("click", () => {
      for (const each of document.querySelectorAll("[data-filter]")) each.setAttribute("aria-pressed", each === choice);
      view.filter(choice.dataset.filter);
    });
  }
  for (const head of document.querySelectorAll("[data-sort]")) {
    head.addEventListener("click", () => { view.sort(head.dataset.sort); mark(); });
  }
  function mark() {
    for (const head of document.querySelectorAll("[data-sort]")) {
      const sort = view.sorting(), cell = head.closest("th");
      if (sort?.by !== head.dataset.sort) cell.removeAttribute("aria-sort");
      else cell.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    }
  }
  mark();
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !load("keys", true)) return;
    const act = {"/": () => search?.focus(), p: () => button?.click(), "?": () => dialog?.showModal()}[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });
  if (document.body.classList.contains("wall")) keepAwake();
}

/** Keep a television on; browsers drop the lock whenever the page is hidden. */
function keepAwake() {
  const lock = () => !document.hidden && navigator.wakeLock?.request("screen").catch(() => null);
  document.addEventListener("visibilitychange", lock);
  lock();
}
