// The coin form: finds a coin in CoinGecko by its name, with the pairs that CoinGecko's mapping has for it, and shows what
// each source says of it.
const tools = document.getElementById("coin-tools");
const box = document.getElementById("coin-search");
const list = document.getElementById("coin-matches");
const said = document.getElementById("coin-said");
const findings = document.getElementById("coin-findings");
// What is said, in the language of the page; `{}` stands for what it is about.
const texts = JSON.parse(document.getElementById("coin-texts").textContent);
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
    const found = answer.coins ?? [];
    tell(answer.error ? fill(texts.byHand, answer.error) : found.length ? "" : fill(texts.noHit, box.value.trim()));
    show(found);
  } catch {
    tell(fill(texts.byHand, texts.away));
  }
}

function show(coins) {
  matches = coins;
  chosen = -1;
  list.replaceChildren(...coins.map((coin, place) => {
    const item = document.createElement("li");
    item.id = `coin-match-${place}`;
    item.role = "option";
    const rank = coin.rank ? `, ${fill(texts.rank, coin.rank)}` : "";
    const free = coin.free_symbol === coin.symbol ? "" : `, ${fill(texts.as, coin.free_symbol)}`;
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
  if (field("coingecko_id").value !== coin.id) emptyPairs(); // those of another coin
  field("symbol").value = coin.free_symbol;
  field("name").value = coin.name;
  field("coingecko_id").value = coin.id;
  show([]);
  propose();
}

function emptyPairs() {
  for (const exchange of ["binance", "kraken"]) {
    field(`${exchange}_symbol`).value = "";
    field(`${exchange}_factor`).value = 1;
  }
}

const fill = (text, value) => text.replace("{}", value);
const entered = () => Object.fromEntries(NAMES.map((name) => [name, field(name).value]));

async function propose() {
  tell(texts.asksPairs);
  try {
    const answer = await ask(tools.dataset.proposeUrl, entered());
    if (answer.error) return tell(fill(texts.byHand, answer.error));
    for (const [name, value] of Object.entries(answer.fields)) field(name).value = value;
    report(answer);
  } catch {
    tell(fill(texts.byHand, texts.away));
  }
}

async function test() {
  tell(texts.asksSources);
  try {
    const answer = await ask(tools.dataset.testUrl, entered());
    if (answer.error) return tell(answer.error);
    report(answer);
  } catch {
    tell(texts.away);
  }
}

function report(answer) {
  findings.tBodies[0].replaceChildren(...answer.findings.map(row));
  findings.hidden = false;
  tell(answer.another_coin ? texts.anotherCoin : answer.said ?? "");
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
