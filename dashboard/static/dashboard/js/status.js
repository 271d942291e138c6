/** How far the page can be trusted, in words: badge, banner, and the server's clock as seen from here. */
import {setText} from "./marks.js";
import {formatClock, formatDuration, formatNumber, formatTime, say, words} from "./numbers.js";

// Below this age, in seconds, tenths are shown.
const TENTHS = 10;
// So many publications are compared to tell how far this clock is from the server's.
const SKEWS = 20;

export function createStatus(board, body = document.body) {
  const badge = document.getElementById("status"), banner = document.getElementById("banner");
  const [, label, time] = badge.children, [title, text, retry] = banner.children;
  const skews = [];
  // Not performance.timeOrigin: it is kept since the browser's start and is hours off where the machine has slept since.
  let skew = Date.now() - performance.now() - Date.parse(body.dataset.now) || 0;
  let link = "connecting", waitsUntil = 0, heardAt = Date.now(), fresh = false, pausedAt = 0;

  const limit = (mine, theirs = mine) => Number(board.limits[theirs] ?? body.dataset[mine]);
  const serverNow = () => Date.now() - skew;
  const boardAge = () => (board.asOf ? Math.max(0, serverNow() - Date.parse(board.asOf)) / 1000 : 0);
  const silence = () => (Date.now() - heardAt) / 1000;

  function state() {
    if (link === "refused") return "refused";
    if (link === "waiting" || (link === "connecting" && waitsUntil)) return "offline";
    if (link === "connecting" || !fresh) return "connecting";
    if (pausedAt) return "paused";
    const tooOld = boardAge() > Math.max(2.5 * limit("interval"), 5);
    return tooOld || silence() > limit("heartbeat") + 2 ? "delayed" : "live";
  }

  /** The way here takes a while, now more, now less: of the last publications the quickest tells the clock best. */
  function compareClocks() {
    skews.push(Date.now() - Date.parse(board.asOf));
    if (skews.length > SKEWS) skews.shift();
    skew = Math.min(...skews);
  }

  function paintBadge(now) {
    body.dataset.state = badge.dataset.state = now === "refused" ? "offline" : now;
    setText(label, words[now]);
    const age = pausedAt ? (Date.now() - pausedAt) / 1000 : boardAge();
    setText(time, board.asOf && now !== "connecting" ? ageText(age) : "");
    if (!board.asOf || time.dateTime === board.asOf) return;
    time.dateTime = board.asOf;
    badge.title = time.title = say("as_of", {time: formatTime(board.asOf)});
  }

  function paintBanner(now) {
    const troubles = {offline: words.lost, refused: words.lost, delayed: words.late};
    if (!troubles[now]) return;
    const seconds = Math.ceil((waitsUntil - Date.now()) / 1000);
    const trying = seconds > 0 ? say("retry", {n: seconds}) : words.trying;
    const outlook = {offline: trying, refused: words.refused_why, delayed: words.none_late}[now];
    setText(title, troubles[now]);
    setText(text, `${board.asOf ? say("from", {time: formatClock(board.asOf)}) : ""} ${outlook}`.trim());
    retry.hidden = now === "delayed";
  }

  /** Whether nothing on the page may look live. */
  function isLate() {
    const now = state();
    return now === "connecting" ? boardAge() > limit("stale", "stale_after") : now !== "live";
  }

  return {
    state, isLate,
    isPaused: () => pausedAt > 0,
    /** What ages are reckoned with. */
    clock: () => ({now: serverNow(), late: isLate()}),
    link(name, {seconds} = {}) {
      if (name !== "open") fresh = false;
      if (name === "waiting") waitsUntil = Date.now() + seconds * 1000;
      link = name;
    },
    heard(kind) {
      heardAt = Date.now();
      if (kind === "update" && board.asOf) compareClocks();
      if (!kind || kind === "hello") return;
      fresh = true;
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
  return seconds < TENTHS ? say("s", {n: formatNumber(seconds, 1)}) : formatDuration(seconds);
}
