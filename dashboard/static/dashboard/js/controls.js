/** Buttons, fields and single-key shortcuts. */
import {applyTheme, load, save} from "./preferences.js";
import {texts} from "./numbers.js";

const byId = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];

/** Wire the controls that this page has; *actions*: {pause(on), retry(), announce(), settingChanged()}. */
export function wireControls(board, order, view, actions) {
  byId("retry").addEventListener("click", actions.retry);
  document.addEventListener("click", ({target}) => {
    const star = target.closest(".star");
    if (!star) return;
    order.togglePin(star.closest("[data-symbol]").dataset.symbol);
    view.render({whole: true});
  });
  if (byId("pause")) wireHeader(actions);
}

function wireHeader({pause, announce, settingChanged}) {
  const button = byId("pause"), settings = byId("settings");
  applyTheme();
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    button.title = `${on ? texts.resume : texts.pause} (P)`;
    pause(on);
  });
  byId("settings-open").addEventListener("click", () => settings.showModal());
  for (const control of all("[data-setting]")) wireSetting(control, settingChanged);
  wireToggle(byId("announce"), "announce", announce);
  const shortcuts = {"/": () => byId("find")?.focus(), "p": () => button.click(), "?": () => settings.showModal()};
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
    const run = shortcuts[event.key.toLowerCase()];
    if (!run || typing || event.ctrlKey || event.metaKey || event.altKey || !load("keys")) return;
    event.preventDefault();
    run();
  });
}

function wireSetting(control, settingChanged) {
  const name = control.dataset.setting, key = control.type === "checkbox" ? "checked" : "value";
  control[key] = load(name);
  control.addEventListener("change", () => {
    save(name, control[key]);
    applyTheme();
    settingChanged();
  });
}

function wireToggle(button, name, onToggle) {
  button.setAttribute("aria-pressed", load(name));
  button.addEventListener("click", () => {
    save(name, !load(name));
    button.setAttribute("aria-pressed", load(name));
    onToggle();
  });
}
