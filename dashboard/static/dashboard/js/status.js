/** How far the page can be trusted, in words: badge, banner, and the server's clock as seen from here. */
import {formatDuration, formatTime, say, words} from "./numbers.js";
import {setText} from "./marks.js";

export function createStatus(board, body = document.body) {
  const badge = document.getElementById("status"), banner = document.getElementById("banner");
  const limit = (name) => Number(board.limits[{stale: "stale_after"}[name] ?? name] ?? body.dataset[name]);
  let link = "connecting", until = 0, heard = Date.now(), fresh = false, paused = 0;
  let skew = performance.timeOrigin - Date.parse(body.dataset.now) || 0;

  const serverNow = () => Date.now() - skew;
  const boardAge = () => (board.asOf ? (serverNow() - Date.parse(board.asOf)) / 1000 : 0);

  function state() {
    if (link === "refused") return "refused";
    if (link === "waiting") return "offline";
    if (link === "connecting" || !fresh) return link === "connecting" && until ? "offline" : "connecting";
    if (paused) return "paused";
    const silent = (Date.now() - heard) / 1000 > limit("heartbeat") + 2;
    return silent || boardAge() > Math.max(2.5 * limit("interval"), 5) ? "delayed" : "live";
  }

  return {
    serverNow,
    state,
    /** Nothing on the page may look live. */
    late: () => state() !== "live" && (state() !== "connecting" || boardAge() > limit("stale")),
    link(name, info) {
      if (name === "waiting") { until = Date.now() + info.seconds * 1000; fresh = false; }
      if (name === "connecting") fresh = false;
      link = name;
    },
    heard(kind) {
      heard = Date.now();
      if (kind === "update" && board.asOf) skew = Date.now() - Date.parse(board.asOf);
      if (kind && kind !== "hello") { fresh = true; until = 0; }
    },
    pause(on) { paused = on ? Date.now() : 0; },
    paint() {
      const now = state(), age = paused ? (Date.now() - paused) / 1000 : boardAge();
      body.dataset.state = badge.dataset.state = now === "refused" ? "offline" : now;
      const [, label, time] = badge.children;
      setText(label, words[now]);
      setText(time, board.asOf && now !== "connecting" ? formatDuration(age) : "");
      if (board.asOf && time.dateTime !== board.asOf) {
        time.dateTime = board.asOf;
        badge.title = time.title = say("as_of", {time: formatTime(board.asOf)});
      }
      if (now !== "offline" && now !== "delayed") return;
      setText(banner.children[0], now === "offline" ? words.lost : words.late);
      const seconds = Math.ceil((until - Date.now()) / 1000);
      const next = now === "delayed" ? words.none_late : seconds > 0 ? say("retry", {n: seconds}) : words.trying;
      const when = board.asOf ? say("from", {time: formatTime(board.asOf)}) : "";
      setText(banner.children[1], `${when} ${next}`.trim());
      banner.children[2].hidden = now !== "offline";
    },
  };
}
