/** What this visitor chose, in localStorage; a cookie repeats what the server needs for a right first paint. */
const FIRST_PAINT = new Set(["theme", "palette", "pins"]);
const DEFAULTS = {theme: "", palette: "", title: true, keys: true, announce: false, pins: null, sort: null, alerts: []};
const YEAR = 365 * 86400;

export function load(name) {
  try {
    return JSON.parse(localStorage.getItem(`rates.${name}`)) ?? DEFAULTS[name];
  } catch {
    return DEFAULTS[name]; // storage that is forbidden, or that somebody else has written
  }
}

export function save(name, value) {
  try {
    localStorage.setItem(`rates.${name}`, JSON.stringify(value));
  } catch { /* private mode: for this page only */ }
  if (FIRST_PAINT.has(name)) {
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR}; samesite=lax`;
  }
}

/** Put theme and palette on the page. */
export function applyLook() {
  for (const name of ["theme", "palette"]) {
    const value = load(name);
    if (value) document.documentElement.dataset[name] = value;
    else delete document.documentElement.dataset[name];
  }
}
