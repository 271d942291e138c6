/** What this visitor chose, in localStorage; a cookie repeats what the server needs for a right first paint. */
const FIRST_PAINT = new Set(["theme", "palette", "pins"]);
const YEAR = 365 * 86400;

export function load(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(`rates.${name}`)) ?? fallback;
  } catch { return fallback; }
}

export function save(name, value) {
  try { localStorage.setItem(`rates.${name}`, JSON.stringify(value)); } catch { /* private mode: for this page only */ }
  if (FIRST_PAINT.has(name)) {
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR}; samesite=lax`;
  }
}

export function applyLook() {
  for (const name of ["theme", "palette"]) {
    const value = load(name, "");
    if (value) document.documentElement.dataset[name] = value; else delete document.documentElement.dataset[name];
  }
}

/** Wire the settings window. */
export function wireSettings(dialog, button, changed) {
  const defaults = {theme: "", palette: "", title: true, keys: true, announce: false};
  for (const control of dialog.querySelectorAll("[data-setting]")) {
    const name = control.dataset.setting, value = load(name, defaults[name]);
    if (control.type === "checkbox") control.checked = value; else control.value = value;
    control.addEventListener("change", () => {
      save(name, control.type === "checkbox" ? control.checked : control.value);
      applyLook();
      changed();
    });
  }
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
}
