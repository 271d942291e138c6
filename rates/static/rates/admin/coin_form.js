// The coin form: finds a coin in CoinGecko by its name, and shows what each source says of it.
const tools = document.getElementById("coin-tools");
const box = document.getElementById("coin-search");
const list = document.getElementById("coin-matches");
const said = document.getElementById("coin-said");
const findings = document.getElementById("coin-findings");
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
    item.textContent = `${coin.name} (${coin.symbol}) – ${coin.id}${coin.rank ? `, rank ${coin.rank}` : ""}`;
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
  field("symbol").value = coin.symbol;
  field("name").value = coin.name;
  field("coingecko_id").value = coin.id;
  field("binance_symbol").value = /^[A-Z0-9]+$/.test(coin.symbol) && coin.symbol !== "USDT" ? `${coin.symbol}USDT` : "";
  show([]);
  test();
}

async function test() {
  said.textContent = "Asking the sources …";
  const names = ["symbol", "coingecko_id", "binance_symbol", "kraken_symbol"];
  try {
    const answer = await ask(tools.dataset.testUrl, Object.fromEntries(names.map((name) => [name, field(name).value])));
    findings.tBodies[0].replaceChildren(...answer.findings.map(row));
    findings.hidden = false;
    const unknown = answer.findings.find((finding) => finding.source === "binance" && !finding.price);
    if (unknown) field("binance_symbol").value = "";
    said.textContent = answer.another_coin ? "These are not the same coin: check id and pair." : "";
    if (unknown) said.textContent = `${unknown.problem}: the pair was left empty.`;
  } catch {
    said.textContent = "The test cannot be reached.";
  }
}

function row(finding) {
  const line = document.createElement("tr");
  const texts = [finding.source, finding.price ?? finding.problem, finding.distance_pct === null ? "" : `${finding.distance_pct} %`];
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
tools.hidden = false;
