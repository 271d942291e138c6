/** How far the page can be trusted, in words: badge, banner, and an estimate of the server's clock. */
import {setText} from "./marks.js";
import {formatClock, formatDuration, formatNumber, formatTime, texts, translate} from "./numbers.js";
import {createReasons} from "./reasons.js";

// Below this age, in seconds, tenths are shown.
const TENTHS_BELOW = 10;
// Publications that are compared to estimate the server's clock.
const SKEW_SAMPLES = 20;
// After this time without a first board, the service has none.
const BOARDLESS_MS = 10_000;

export function createStatus(board, body = document.body) {
  const badge = document.getElementById("status"), banner = document.getElementById("banner");
  const [, label, time] = badge.children, [title, text, retry] = banner.children;
  const skews = [], reasons = createReasons(body.dataset.pausesUrl, body.dataset.local === "true");
  // Not performance.timeOrigin: it dates from the browser's start and is hours off where the machine has slept since.
  let skew = Date.now() - performance.now() - Date.parse(body.dataset.now) || 0;
  let link = "connecting", linkedAt = 0, waitsUntil = 0, hasNews = false, pausedAt = 0;

  const limit = (name, helloName = name) => Number(board.limits[helloName] ?? body.dataset[name]);
  const serverNow = () => Date.now() - skew;
  const boardAge = () => (board.asOf ? Math.max(0, serverNow() - Date.parse(board.asOf)) / 1000 : 0);
  const priced = () => [...board.coins.values()].filter(({price}) => price !== null);
  const isUnpriced = () => board.coins.size > 0 && !priced().length;
  /** Whether anything may be called live. */
  const hasFreshPrice = () => !board.coins.size || priced().some(({stale}) => !stale);

  function state() {
    if (link === "refused") return "refused";
    // A reconnect that is under way still counts as offline: no price can come yet.
    if (link === "waiting" || (link === "connecting" && waitsUntil)) return "offline";
    if (link === "open" && !hasNews && Date.now() - linkedAt > BOARDLESS_MS) return "unpriced";
    if (link === "connecting" || !hasNews) return "connecting";
    if (pausedAt) return "paused";
    if (isUnpriced()) return "unpriced";
    return boardAge() > limit("stale", "stale_after") || !hasFreshPrice() ? "delayed" : "live";
  }

  /** Publications take varying times to arrive: the fastest of the last ones tells the server's clock best. */
  function measureSkew() {
    skews.push(Date.now() - Date.parse(board.asOf));
    if (skews.length > SKEW_SAMPLES) skews.shift();
    skew = Math.min(...skews);
  }

  /** When the newest price that the page shows was fresh: the board's time, or a price's where all are stale. */
  function freshAt() {
    if (hasFreshPrice() || isUnpriced()) return board.asOf;
    return [...board.coins.values()].map((coin) => coin.observed_at ?? "").reduce((one, other) => (one > other ? one : other));
  }

  function paintBadge(now) {
    body.dataset.state = badge.dataset.state = {refused: "offline", unpriced: "delayed"}[now] ?? now;
    setText(label, now === "unpriced" && reasons.isSourceless() ? texts.sourceless : texts[now]);
    const age = (pausedAt ? Date.now() - pausedAt : Math.max(0, serverNow() - Date.parse(freshAt()))) / 1000;
    setText(time, board.asOf && !["connecting", "unpriced"].includes(now) ? ageText(age) : "");
    if (!board.asOf || time.dateTime === board.asOf) return;
    time.dateTime = board.asOf;
    badge.title = time.title = translate("as_of", {time: formatTime(board.asOf)});
    setText(document.getElementById("printed"), badge.title);
  }

  function paintBanner(now) {
    const titles = {offline: texts.lost, refused: texts.lost, delayed: texts.late, unpriced: texts.no_prices};
    if (!titles[now]) return;
    const sourceless = now === "unpriced" && reasons.isSourceless();
    const since = board.asOf && now !== "unpriced" ? translate("from", {time: formatClock(freshAt())}) : "";
    setText(title, sourceless ? `${texts.sourceless}.` : titles[now]);
    setText(text, [since, ...outlook(now)].filter(Boolean).join(" "));
    retry.hidden = now === "delayed" || now === "unpriced";
  }

  /** Return the sentences that say why, and what comes next. */
  function outlook(now) {
    if (now === "refused") return [texts.refused_why];
    if (now === "offline") {
      const seconds = Math.ceil((waitsUntil - Date.now()) / 1000);
      return [seconds > 0 ? translate("retry", {n: seconds}) : texts.trying];
    }
    if (now === "unpriced") return [reasons.describe(), reasons.isSourceless() && reasons.hint()];
    return boardAge() > limit("stale", "stale_after") ? [texts.none_late] : [texts.no_answer, reasons.describe()];
  }

  /** Return whether nothing on the page may look live. */
  function isLate() {
    const now = state();
    return ["connecting", "unpriced", "paused"].includes(now) ? boardAge() > limit("stale", "stale_after") : now !== "live";
  }

  return {
    state, isLate,
    isPaused: () => pausedAt > 0,
    /** What ages are computed with. */
    clock: () => ({now: serverNow(), late: isLate()}),
    setLink(name, {seconds} = {}) {
      if (name !== "open") hasNews = false;
      if (name === "open") linkedAt = Date.now();
      if (name === "waiting") waitsUntil = Date.now() + seconds * 1000;
      link = name;
    },
    received(kind) {
      if (kind === "update" && board.asOf) measureSkew();
      if (!kind || kind === "hello") return;
      hasNews = true;
      waitsUntil = 0;
    },
    pause(on) { pausedAt = on ? Date.now() : 0; },
    paint() {
      paintBadge(state());
      paintBanner(state());
    },
  };
}

function ageText(seconds) {
  return seconds < TENTHS_BELOW ? translate("s", {n: formatNumber(seconds, 1)}) : formatDuration(seconds);
}
