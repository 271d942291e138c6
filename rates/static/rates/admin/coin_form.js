// The coin form: finds a coin in CoinGecko by its name, with the pairs that CoinGecko's mapping has for it, and shows what
// each source says of it.
const tools = document.getElementById("coin-tools");
const box = document.getElementById("coin-search");
const list = document.getElementById("coin-matches");
const said = document.getElementById("coin-said");
const findings = document.getElementById("coin-findings");
const NAMES = ["symbol", "coingecko_id", "binance_symbol", "binance_factor", "kraken_symbol", "kraken_factor"];
const field = (name) => document.getElementById(`id_${name}`);
let matches = [];
let chosen = -1;
let asked = 0;

async function ask(url, parameters) {
  const answer = await fetch(`${url}?${new URLSearchParams(parameters)}`, { headers: { Accept: "application/json" } });
  return answer.json();
}

async function search() {
  const mine = ++asked;
  if (box.value.trim().length < 2) return show([]);
  try {
    const answer = await ask(tools.dataset.searchUrl, { q: box.value });
    if (mine !== asked) return;
    said.textContent = answer.error ? `${answer.error}. Type the fields by hand.` : "";
    show(answer.coins ?? []);
  } catch {
    said.textContent = "The look-up cannot be reached. Type the fields by hand.";
  }
}

function show(coins) {
  matches = coins;
  chosen = -1;
  list.replaceChildren(...coins.map((coin, place) => {
    const item = document.createElement("li");
    item.id = `coin-match-${place}`;
    item.role = "option";
    const rank = coin.rank ? `, rank ${coin.rank}` : "";
    const free = coin.free_symbol === coin.symbol ? "" : `, as ${coin.free_symbol}`;
    item.textContent = `${coin.name} (${coin.symbol}) – ${coin.id}${rank}${free}`;
    item.addEventListener("mousedown", (event) => { event.preventDefault(); take(place); });
    return item;
  }));
  list.hidden = !coins.length;
  box.setAttribute("aria-expanded", String(!list.hidden));
}

function mark(place) {
  if (!matches.length) return;
  chosen = (place + matches.length) % matches.length;
  [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === chosen)));
  box.setAttribute("aria-activedescendant", `coin-match-${chosen}`);
}

function take(place) {
  const coin = matches[place];
  field("symbol").value = coin.free_symbol;
  field("name").value = coin.name;
  field("coingecko_id").value = coin.id;
  show([]);
  propose();
}

const entered = () => Object.fromEntries(NAMES.map((name) => [name, field(name).value]));

async function propose() {
  said.textContent = "Asking CoinGecko for the pairs …";
  try {
    const answer = await ask(tools.dataset.proposeUrl, entered());
    if (answer.error) return tell(`${answer.error}. Type the pairs by hand.`);
    for (const [name, value] of Object.entries(answer.fields)) field(name).value = value;
    report(answer);
  } catch {
    tell("The look-up cannot be reached. Type the pairs by hand.");
  }
}

async function test() {
  said.textContent = "Asking the sources …";
  try {
    const answer = await ask(tools.dataset.testUrl, entered());
    if (answer.error) return tell(answer.error);
    report(answer);
  } catch {
    tell("The test cannot be reached.");
  }
}

function report(answer) {
  findings.tBodies[0].replaceChildren(...answer.findings.map(row));
  findings.hidden = false;
  tell(answer.another_coin ? "These are not the same coin: check id and pairs." : "");
}

function tell(text) {
  said.textContent = text;
}

function row(finding) {
  const line = document.createElement("tr");
  const texts = [finding.source, finding.asked, finding.price ?? finding.problem, finding.distance_pct === null ? "" : `${finding.distance_pct} %`];
  line.append(...texts.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return line;
}

let waiting;
box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 250); });
box.addEventListener("blur", () => show([]));
box.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") { event.preventDefault(); mark(chosen + 1); }
  else if (event.key === "ArrowUp") { event.preventDefault(); mark(chosen - 1); }
  else if (event.key === "Escape") show([]);
  else if (event.key === "Enter") { event.preventDefault(); if (matches.length) take(Math.max(0, chosen)); }
});
document.getElementById("coin-test").addEventListener("click", test);
document.getElementById("coin-propose").addEventListener("click", propose);
tools.hidden = false;
