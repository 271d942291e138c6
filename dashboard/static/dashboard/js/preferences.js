/** What this visitor chose, in localStorage; a cookie repeats what the server needs to render the page right. */
const IN_COOKIE = new Set(["theme", "palette", "pins", "range", "chart", "currency"]);
const DEFAULTS = {
  theme: "", palette: "", title: true, keys: true, announce: false, pins: null, sort: null, alerts: [], told: [], toldSeen: "",
  lists: [], firstList: "",
  range: "24h", chart: "line", currency: "",
};
// Two services may share a host, each below its path.
const ROOT = document.body.dataset.root ?? "";
const COOKIE_SECONDS = 365 * 86400;

const unsaved = new Map();

/** Return under which key of localStorage a preference is. */
export function storageKey(name) {
  return `rates${ROOT}.${name}`;
}

export function load(name) {
  try {
    if (!unsaved.has(name)) return JSON.parse(localStorage.getItem(storageKey(name))) ?? DEFAULTS[name];
  } catch { /* storage is blocked, or somebody else wrote into it */ }
  return unsaved.get(name) ?? DEFAULTS[name];
}

export function save(name, value) {
  try {
    localStorage.setItem(storageKey(name), JSON.stringify(value));
    unsaved.delete(name);
  } catch {
    unsaved.set(name, value); // storage is blocked: the choice lasts as long as the page
  }
  if (IN_COOKIE.has(name)) {
    document.cookie = `${name}=${encodeURIComponent(value)}; path=${ROOT || "/"}; max-age=${COOKIE_SECONDS}; samesite=lax`;
  }
}

/** Apply theme and palette to the page. */
export function applyTheme() {
  for (const name of ["theme", "palette"]) {
    const value = load(name);
    if (value) document.documentElement.dataset[name] = value;
    else delete document.documentElement.dataset[name];
  }
}
