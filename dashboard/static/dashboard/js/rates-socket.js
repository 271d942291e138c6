/**
 * A socket to `/ws/rates` (dialect rates.v1) that stays open: for any front end, without imports.
 *
 *     const socket = connectRates({
 *       url: "wss://rates.example/ws/rates",        // default: this page's host
 *       onMessage: (message) => {...},               // every readable frame, in order
 *       onState: (state, info) => {...},             // "connecting", "open", "waiting" {seconds}, "refused" {code}
 *       token: async () => "eyJ...",                 // optional, called before every connect
 *       symbols: ["BTC"],                            // optional: only these
 *       quiet: 13,                                   // seconds of silence after which a socket is replaced
 *     });
 *     socket.send({type: "ping"}); socket.retry(); socket.stop();
 *
 * Waits are a random part of 10 s, later of 30 s, so that the clients of a dead server do not all return at once.
 * `bye.retry_ms` is honoured; focus, a visible tab and a network that is back end the wait. Unreadable frames are ignored.
 */
const FIRST_WAIT = 10, LONGEST_WAIT = 30, STABLE_AFTER_MS = 5000;
const NO_RECONNECT = new Set([4003]);
const SLOW_RECONNECT = new Set([1008, 1013]);

export function connectRates({url = defaultUrl(), onMessage, onState = () => {}, token, symbols, quiet = 13}) {
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
    const address = symbols ? `${url}?symbols=${symbols.map(encodeURIComponent).join(",")}` : url;
    const current = socket = new WebSocket(address, jwt ? ["rates.v1", "bearer", jwt] : ["rates.v1"]);
    current.onopen = () => { openedAt = Date.now(); resetSilenceTimer(); onState("open", {}); };
    current.onclose = ({code}) => current === socket && reconnect(code);
    current.onmessage = ({data}) => { if (current === socket) { resetSilenceTimer(); read(data); } };
  }

  function read(data) {
    let message;
    try { message = JSON.parse(data); } catch { return; }
    if (message === null || typeof message !== "object" || typeof message.type !== "string") return;
    if (message.type === "bye" && message.retry_ms >= 0) byeMs = message.retry_ms;
    onMessage(message);
  }

  function reconnect(code) {
    closeSocket();
    if (stopped) return;
    if (NO_RECONNECT.has(code)) return onState("refused", {code});
    if (openedAt && Date.now() - openedAt > STABLE_AFTER_MS) failures = 0;
    openedAt = 0;
    let longest = LONGEST_WAIT;
    if (!SLOW_RECONNECT.has(code)) longest = Math.min(LONGEST_WAIT, Math.max(FIRST_WAIT, 2 ** failures++));
    const seconds = byeMs === null ? Math.random() * longest : (byeMs / 1000) * (1 + Math.random());
    byeMs = null;
    onState("waiting", {seconds});
    reconnectTimer = setTimeout(connect, seconds * 1000);
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

  function stopWaiting() {
    if (!stopped && reconnectTimer && !document.hidden) connect();
  }

  const wakeEvents = [[window, "focus"], [window, "online"], [document, "visibilitychange"]];
  for (const [target, event] of wakeEvents) target.addEventListener(event, stopWaiting);
  connect();
  return {
    send: (message) => socket?.readyState === 1 && socket.send(JSON.stringify(message)),
    retry: () => { failures = 0; connect(); },
    stop() {
      stopped = true;
      latest++;
      clearTimeout(reconnectTimer);
      closeSocket();
      for (const [target, event] of wakeEvents) target.removeEventListener(event, stopWaiting);
    },
  };
}

function defaultUrl() {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/rates`;
}
