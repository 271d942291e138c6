/**
 * A connection that stays open, for browsers, Node and React Native; no imports: a socket to `/ws/rates` (dialect rates.v1),
 * or, where a proxy does not pass WebSockets, the same frames as server-sent events from `/api/stream`.
 *
 *     const socket = connectRates({
 *       url: "wss://rates.example/ws/rates",        // default: this page's host; a function is called before every connect
 *       onMessage: (message) => {...},               // every readable frame, in order
 *       onState: (state, info) => {...},             // "connecting", "open" {transport}, "waiting" {seconds, code},
 *                                                    // "refused" {code}
 *       transport: "auto",                           // default "socket"; "events"; "auto": the other after two failed attempts
 *       token: async () => "eyJ...",                 // optional, called before every connect; a string is tried only once
 *       symbols: ["BTC"],                            // optional: only these
 *       quiet: 13,                                   // seconds of silence after which a socket is replaced
 *       wakers: (wake) => stop,                      // what ends a wait; default: focus, a visible tab, a network that is back
 *       refusal: () => ({status, retryAfter}),       // why the last handshake failed, where that can be known; no browser tells
 *     });
 *     socket.send({type: "ping"}); socket.retry(); socket.stop();
 *
 * Waits are a random part of 10 s, later of 30 s, so that the clients of a dead server do not all return at once.
 * `bye.retry_ms` and `Retry-After` are honoured. After close code 4003, 4001 for a string, or HTTP 403, only `retry()`
 * connects again. Unreadable frames are ignored.
 */
const TOKEN_REFUSED = 4001, FORBIDDEN = 4003, ABNORMAL = 1006;
const SLOW_RECONNECT = new Set([1008, 1013]);

export function connectRates({
  url = defaultUrl(), onMessage, onState = () => {}, token, symbols, wakers = pageWakers, refusal = () => null,
  transport = "socket", firstWait = 10, longestWait = 30, stableAfter = 5, quiet = 13,
}) {
  let link = null, stopped = false, failures = 0, openedAt = 0, byeMs = null, latest = 0;
  let kind = transport === "events" ? "events" : "socket", unopened = 0;
  let silenceTimer, reconnectTimer;

  async function connect() {
    clearTimeout(reconnectTimer);
    reconnectTimer = null;
    const attempt = ++latest;
    closeLink();
    onState("connecting", {});
    resetSilenceTimer(); // a handshake that hangs is silence too
    let jwt = null;
    try {
      jwt = typeof token === "function" ? await token() : token;
    } catch { return attempt === latest && reconnect(0); }
    if (stopped || attempt !== latest) return; // overtaken while the token was on its way
    const open = kind === "events" ? openEvents : openSocket;
    const current = link = open(address(typeof url === "function" ? url() : url, symbols), jwt, {
      opened: () => current === link && opened(),
      closed: (code, refused = refusal()) => current === link && reconnect(code, refused),
      message(data) { if (current === link) { resetSilenceTimer(); read(data); } },
    });
  }

  function opened() {
    openedAt = Date.now();
    unopened = 0;
    resetSilenceTimer();
    onState("open", {transport: kind});
  }

  function read(data) {
    let message;
    try { message = JSON.parse(data); } catch { return; }
    if (message === null || typeof message !== "object" || typeof message.type !== "string") return;
    if (message.type === "bye" && message.retry_ms >= 0) byeMs = message.retry_ms;
    onMessage(message);
  }

  function reconnect(code, refused) {
    latest++; // overtakes a token that is still on its way
    closeLink();
    if (stopped) return;
    if (transport === "auto" && !openedAt && ++unopened % 2 === 0) kind = kind === "events" ? "socket" : "events";
    const {status, retryAfter} = openedAt ? {} : refused ?? {};
    if (isFinal(code, status)) return onState("refused", {code, status});
    if (openedAt && Date.now() - openedAt > stableAfter * 1000) failures = 0;
    const seconds = waitSeconds(code, byeMs === null ? retryAfter : byeMs / 1000);
    openedAt = 0;
    byeMs = null;
    onState("waiting", {seconds, code, status});
    reconnectTimer = setTimeout(connect, seconds * 1000);
  }

  function isFinal(code, status) {
    const refusesToken = code === TOKEN_REFUSED || status === 401;
    return code === FORBIDDEN || (refusesToken && typeof token !== "function") || status === 403;
  }

  function waitSeconds(code, requested) {
    if (requested >= 0) return requested * (1 + Math.random());
    if (SLOW_RECONNECT.has(code)) return Math.random() * longestWait;
    return Math.random() * Math.min(longestWait, Math.max(firstWait, 2 ** failures++));
  }

  function resetSilenceTimer() {
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(() => reconnect(0), quiet * 1000);
  }

  function closeLink() {
    clearTimeout(silenceTimer);
    const old = link;
    link = null; // first: what it says of its end is then ignored
    old?.close();
  }

  const removeWakers = wakers(() => { if (!stopped && reconnectTimer) connect(); });
  connect();
  return {
    send: (message) => link?.send(JSON.stringify(message)), // events go one way: nothing is sent
    retry: () => { failures = 0; connect(); },
    stop() {
      stopped = true;
      latest++;
      clearTimeout(reconnectTimer);
      closeLink();
      removeWakers();
    },
  };
}

function openSocket(url, jwt, {opened, closed, message}) {
  const socket = new WebSocket(url, jwt ? ["rates.v1", "bearer", jwt] : ["rates.v1"]);
  socket.onopen = opened;
  socket.onclose = ({code}) => closed(code);
  // Node 22 reports a refused handshake by this event alone.
  socket.onerror = () => socket.readyState === 0 && closed(ABNORMAL);
  socket.onmessage = ({data}) => message(data);
  return {send: (text) => socket.readyState === 1 && socket.send(text), close: () => socket.close()};
}

/** By `fetch`, which takes a token and tells a status; an `EventSource` does neither. */
function openEvents(url, jwt, {opened, closed, message}) {
  const stop = new AbortController();
  const headers = {Accept: "text/event-stream", ...(jwt && {Authorization: `Bearer ${jwt}`})};
  let retryAfter;
  async function follow() {
    const response = await fetch(eventsUrl(url), {headers, signal: stop.signal, cache: "no-store"});
    const {ok, status} = response, seconds = response.headers.get("Retry-After");
    if (!ok) return closed(ABNORMAL, {status, retryAfter: seconds ? Number(seconds) : undefined});
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = "", part = await reader.read(); !part.done; part = await reader.read()) {
      const blocks = (text + part.value).split("\n\n");
      text = blocks.pop();
      blocks.forEach(block);
    }
    closed(ABNORMAL, {retryAfter});
  }
  function block(lines) {
    const fields = new Map(lines.split("\n").map((line) => line.split(/: (.*)/s)));
    if (!fields.has("data")) retryAfter = Number(fields.get("retry")) / 1000; // a refusal that a page may read
    else if (fields.get("event") === "hello") opened();
    if (fields.has("data")) message(fields.get("data"));
  }
  follow().catch(() => closed(ABNORMAL));
  return {send: () => false, close: () => stop.abort()};
}

function eventsUrl(url) {
  return url.replace(/^ws/, "http").replace("/ws/rates", "/api/stream");
}

function address(url, symbols) {
  return symbols ? `${url}${url.includes("?") ? "&" : "?"}symbols=${symbols.map(encodeURIComponent).join(",")}` : url;
}

function defaultUrl() {
  if (typeof location === "undefined") throw new TypeError("connectRates needs a url outside a web page");
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/rates`;
}

function pageWakers(wake) {
  if (typeof document === "undefined") return () => {};
  const wakeIfVisible = () => { if (!document.hidden) wake(); };
  const events = [[window, "focus"], [window, "online"], [document, "visibilitychange"]];
  for (const [target, event] of events) target.addEventListener(event, wakeIfVisible);
  return () => { for (const [target, event] of events) target.removeEventListener(event, wakeIfVisible); };
}
