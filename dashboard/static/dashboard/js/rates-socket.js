/**
 * A socket to `/ws/rates` (dialect rates.v1) that stays open, for browsers, Node and React Native; no imports.
 *
 *     const socket = connectRates({
 *       url: "wss://rates.example/ws/rates",        // default: this page's host
 *       onMessage: (message) => {...},               // every readable frame, in order
 *       onState: (state, info) => {...},             // "connecting", "open", "waiting" {seconds, code}, "refused" {code}
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
  firstWait = 10, longestWait = 30, stableAfter = 5, quiet = 13,
}) {
  let socket = null, stopped = false, failures = 0, openedAt = 0, byeMs = null, latest = 0;
  let silenceTimer, reconnectTimer;

  async function connect() {
    clearTimeout(reconnectTimer);
    reconnectTimer = null;
    const attempt = ++latest;
    closeSocket();
    onState("connecting", {});
    resetSilenceTimer(); // a handshake that hangs is silence too
    let jwt = null;
    try {
      jwt = typeof token === "function" ? await token() : token;
    } catch { return attempt === latest && reconnect(0); }
    if (stopped || attempt !== latest) return; // overtaken while the token was on its way
    const current = socket = new WebSocket(address(url, symbols), jwt ? ["rates.v1", "bearer", jwt] : ["rates.v1"]);
    current.onopen = () => { openedAt = Date.now(); resetSilenceTimer(); onState("open", {}); };
    current.onclose = ({code}) => current === socket && reconnect(code, refusal());
    // Node 22 reports a refused handshake by this event alone.
    current.onerror = () => current === socket && current.readyState === 0 && reconnect(ABNORMAL, refusal());
    current.onmessage = ({data}) => { if (current === socket) { resetSilenceTimer(); read(data); } };
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
    closeSocket();
    if (stopped) return;
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
    return code === FORBIDDEN || (code === TOKEN_REFUSED && typeof token !== "function") || status === 403;
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

  function closeSocket() {
    clearTimeout(silenceTimer);
    const old = socket;
    socket = null; // first: its `onclose` is then ignored
    old?.close();
  }

  const removeWakers = wakers(() => { if (!stopped && reconnectTimer) connect(); });
  connect();
  return {
    send: (message) => socket?.readyState === 1 && socket.send(JSON.stringify(message)),
    retry: () => { failures = 0; connect(); },
    stop() {
      stopped = true;
      latest++;
      clearTimeout(reconnectTimer);
      closeSocket();
      removeWakers();
    },
  };
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
