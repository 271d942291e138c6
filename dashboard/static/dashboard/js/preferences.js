/** What this visitor chose, in localStorage; a cookie repeats what the server needs to render the page right. */
const IN_COOKIE = new Set(["theme", "palette", "pins", "range", "chart"]);
const DEFAULTS = {
  theme: "", palette: "", title: true, keys: true, announce: false, pins: null, sort: null, alerts: [], range: "24h", chart: "line",
};
// Two services may share a host, each below its path.
const ROOT = document.body.dataset.root ?? "";
const COOKIE_SECONDS = 365 * 86400;

export function load(name) {
  try {
    return JSON.parse(localStorage.getItem(`rates${ROOT}.${name}`)) ?? DEFAULTS[name];
  } catch {
    return DEFAULTS[name]; // storage is blocked, or somebody else wrote into it
  }
}

export function save(name, value) {
  try {
    localStorage.setItem(`rates${ROOT}.${name}`, JSON.stringify(value));
  } catch { /* storage is blocked: the choice lasts as long as the page */ }
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
