/** What a price alert is: when it is met, how it is written, how it is read from the form. Knows nothing of the page. */
import {decimalsFor, formatNumber, formatShare, money, texts, translate, unitOf} from "./numbers.js";
import {isAmbiguous, parseNumber} from "./parse.js";
import {changeOf} from "./period.js";

const {base} = document.body.dataset;

/** Return how far a coin, in the alert's currency, is from an alert, in percent (points for a move): 0 when it is met, null when unknown. */
export function distance({kind, value}, coin) {
  if (!coin?.price) return null;
  if (kind === "above") return Math.max(0, (value / coin.price - 1) * 100);
  if (kind === "below") return Math.max(0, (1 - value / coin.price) * 100);
  return changeOf(coin) === null ? null : Math.max(0, value - Math.abs(changeOf(coin).percent));
}

export function describe({kind, symbol, value, currency = base}) {
  const text = kind === "move" ? `±${formatShare(value)}` : money(value, currency, typedDecimals(value, currency));
  return translate(`alert_${kind}`, {symbol, value: text});
}

/** A threshold is told as it was typed: 58.5 in a currency without decimals too. Undefined: with the decimals of its size. */
function typedDecimals(value, currency) {
  const typed = String(value).split(".")[1]?.length ?? 0;
  return value < 1 ? undefined : Math.max(typed, decimalsFor(value, unitOf(currency)[0]));
}

export function describeDistance(left) {
  if (left === null) return texts.alert_unknown;
  return left === 0 ? texts.alert_met : translate("alert_far", {distance: formatShare(left)});
}

/** Return what is told when an alert fires; a doubtful price is told as such. */
export function tell(alert, coin) {
  const price = money(coin.price, coin.currency, coin.decimals);
  const mark = coin.disputed ? texts.disputed : coin.stale ? texts.stale : "";
  const told = translate("alert_fired", {alert: describe(alert), symbol: alert.symbol, price});
  return mark ? translate("alert_doubtful", {alert: told, mark}) : told;
}

/** Return {alert} or {problem} of what was typed; its value is in *currency*, and stays so. */
export function readAlert({symbol, kind, value}, currency) {
  const number = parseNumber(value);
  if (isAmbiguous(value)) return {problem: translate("alert_ambiguous", {text: value, example: formatNumber(1234.5, 2)})};
  return number > 0 ? {alert: {symbol, kind, value: number, currency, firedAt: 0}} : {problem: texts.alert_bad};
}

/** Return what was understood, and whether it is so already. */
export function confirm(alert, coin) {
  const understood = translate("alert_set", {alert: describe(alert)});
  if (distance(alert, coin) !== 0) return understood;
  return `${understood} ${translate("alert_already", {symbol: alert.symbol, price: money(coin.price, coin.currency, coin.decimals)})}`;
}
