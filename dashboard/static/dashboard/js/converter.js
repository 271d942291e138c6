/** The converter: an amount of a coin or a currency in another one, asked of the server and kept current while it is open. */
import {ask} from "./api.js";
import {setText} from "./marks.js";
import {formatNumber, formatPrice, texts, translate} from "./numbers.js";
import {isAmbiguous, parseNumber} from "./parse.js";

const ASK_MS = 5_000;
// What the API takes: up to 20 digits on either side of the point.
const MOST = 1e15, PLACES = 12;
const byId = (id) => document.getElementById(id);
const dialog = byId("converter"), form = byId("converter-form"), {amount, from, to} = form.elements;
let attempt = 0, timer = null;

form.addEventListener("input", convert);
form.addEventListener("submit", (event) => event.preventDefault());
dialog.addEventListener("close", () => clearTimeout(timer));
byId("converter-swap").addEventListener("click", () => {
  [from.value, to.value] = [to.value, from.value];
  convert();
});

export function openConverter() {
  dialog.showModal();
  amount.select();
  return convert();
}

async function convert() {
  const mine = ++attempt, number = parseNumber(amount.value);
  clearTimeout(timer);
  if (!(number > 0 && number < MOST)) return show(problemOf(amount.value));
  const found = await ask(`${dialog.dataset.url}?${new URLSearchParams({amount: number.toFixed(PLACES), from: from.value, to: to.value})}`);
  if (mine !== attempt) return; // overtaken by another question
  if (dialog.open) timer = setTimeout(convert, ASK_MS);
  if (!found) return show(texts.converter_unknown);
  show(`${amount.value.trim()} ${nameOf(from)} = ${write(found.result)} ${nameOf(to)}`, found.disputed ? texts.disputed : found.stale ? texts.stale : "");
}

function problemOf(text) {
  return isAmbiguous(text) ? translate("alert_ambiguous", {text, example: formatNumber(1234.5, 2)}) : texts.alert_bad;
}

/** Write a result with the decimals of its currency, or with those of its size where it is small or a coin's. */
function write(result) {
  const {places} = to.selectedOptions[0].dataset;
  return places !== undefined && Number(result) >= 1 ? formatNumber(result, Number(places)) : formatPrice(result).full;
}

function nameOf(select) {
  return select.selectedOptions[0].textContent;
}

function show(text, mark = "") {
  setText(byId("converter-result"), text);
  setText(byId("converter-mark"), mark);
}
