/** Reads numbers as the page writes them in its language; what could mean something else is not read. */
import {language} from "./numbers.js";

const parts = new Intl.NumberFormat(language).formatToParts(1234567.8);
const separator = (type) => parts.find((part) => part.type === type).value.replace(/[.\s]/, "\\$&");
const grouped = `[1-9]\\d{0,2}(?:[${separator("group")}\\s'’]\\d{3})+`;
const NUMBER = new RegExp(`^(${grouped}|\\d*)(?:${separator("decimal")}(\\d+))?$`);

/** Return the number that *text* is, perhaps with a sign of a currency or of percent; NaN when it is none, or not surely. */
export function parseNumber(text) {
  const found = bare(text).match(NUMBER);
  if (!found || !(found[1] || found[2])) return NaN;
  return Number(`${found[1].replace(/\D/g, "") || 0}.${found[2] ?? 0}`);
}

/** Return whether *text* looks like a number, but not as this language writes it. */
export function isAmbiguous(text) {
  return Number.isNaN(parseNumber(text)) && /^[\d.,\s'’]*\d[\d.,\s'’]*$/.test(bare(text));
}

function bare(text) {
  return text.trim().replace(/^[\p{Sc}A-Z±+]+\s*|\s*[\p{Sc}%]$/gu, "");
}
