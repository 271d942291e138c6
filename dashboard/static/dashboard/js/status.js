/** How far the page can be trusted, in words: badge, banner, and an estimate of the server's clock. */
import {setText} from "./marks.js";
import {formatClock, formatDuration, formatNumber, formatTime, texts, translate} from "./numbers.js";

// Below this age, in seconds, tenths are shown.
const TENTHS_BELOW = 10;
// Publications that are compared to estimate the server's clock.
const SKEW_SAMPLES = 20;

export function createStatus(board, body = document.body) {
  const badge = document.getElementById("status"), banner = document.getElementById("banner");
  const [, label, time] = badge.children, [title, text, retry] = banner.children;
  const skews = [];
  // Not performance.timeOrigin: it dates from the browser's start and is hours off where the machine has slept since.
  let skew = Date.now() - performance.now() - Date.parse(body.dataset.now) || 0;
  let link = "connecting", waitsUntil = 0, hasNews = false, pausedAt = 0;

  const limit = (name, helloName = name) => Number(board.limits[helloName] ?? body.dataset[name]);
  const serverNow = () => Date.now() - skew;
  const boardAge = () => (board.asOf ? Math.max(0, serverNow() - Date.parse(board.asOf)) / 1000 : 0);
  /** Whether anything may be called live; also before there is any price. */
  function hasFreshPrice() {
    const priced = [...board.coins.values()].filter(({price}) => price !== null);
    return !priced.length || priced.some(({stale}) => !stale);
  }

  function state() {
    if (link === "refused") return "refused";
    // A reconnect that is under way still counts as offline: no price can come yet.
    if (link === "waiting" || (link === "connecting" && waitsUntil)) return "offline";
    if (link === "connecting" || !hasNews) return "connecting";
    if (pausedAt) return "paused";
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
    if (hasFreshPrice()) return board.asOf;
    return [...board.coins.values()].map((coin) => coin.observed_at ?? "").reduce((one, other) => (one > other ? one : other));
  }

  function paintBadge(now) {
    body.dataset.state = badge.dataset.state = now === "refused" ? "offline" : now;
    setText(label, texts[now]);
    const age = (pausedAt ? Date.now() - pausedAt : Math.max(0, serverNow() - Date.parse(freshAt()))) / 1000;
    setText(time, board.asOf && now !== "connecting" ? ageText(age) : "");
    if (!board.asOf || time.dateTime === board.asOf) return;
    time.dateTime = board.asOf;
    badge.title = time.title = translate("as_of", {time: formatTime(board.asOf)});
  }

  function paintBanner(now) {
    const titles = {offline: texts.lost, refused: texts.lost, delayed: texts.late};
    if (!titles[now]) return;
    const seconds = Math.ceil((waitsUntil - Date.now()) / 1000);
    const retrying = seconds > 0 ? translate("retry", {n: seconds}) : texts.trying;
    const outlook = {offline: retrying, refused: texts.refused_why, delayed: texts.none_late}[now];
    setText(title, titles[now]);
    setText(text, `${board.asOf ? translate("from", {time: formatClock(freshAt())}) : ""} ${outlook}`.trim());
    retry.hidden = now === "delayed";
  }

  /** Return whether nothing on the page may look live. */
  function isLate() {
    const now = state();
    return now === "connecting" ? boardAge() > limit("stale", "stale_after") : now !== "live";
  }

  return {
    state, isLate,
    isPaused: () => pausedAt > 0,
    /** What ages are computed with. */
    clock: () => ({now: serverNow(), late: isLate()}),
    setLink(name, {seconds} = {}) {
      if (name !== "open") hasNews = false;
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
