/**
 * A socket to `/ws/rates` (dialect rates.v1) that stays open: for any front end, without imports.
 *
 *     const socket = connectRates({
 *       url: "wss://rates.example/ws/rates",        // default: this page's host
 *       onMessage: (message) => {...},               // every readable frame, in order
 *       onState: (state, info) => {...},             // "connecting", "open", "waiting" {seconds}, "refused" {code}
 *       token: async () => "eyJ...",                 // optional, asked before every connect
 *       symbols: ["BTC"],                            // optional: only these
 *       quiet: 13,                                   // seconds of silence after which a socket is given up
 *     });
 *     socket.send({type: "ping"}); socket.retry(); socket.stop();
 *
 * A wait is a random part of 10 s, later of 30 s, lest all sockets of a dead server come back in one second. `bye.retry_ms`
 * is honoured; focus, a visible tab and a network that is back end the wait. Frames that are no JSON objects are ignored.
 */
const SPREAD = 10, LONGEST_WAIT = 30, GOOD_AFTER = 5000;
const NEVER_AGAIN = new Set([4003]);
const SLOW_AGAIN = new Set([1008, 1013]);

export function connectRates({url = defaultUrl(), onMessage, onState = () => {}, token, symbols, quiet = 13}) {
  let socket = null, stopped = false, tries = 0, opened = 0, byeMs = null;
  let silence, wait, attempt = 0;

  async function connect() {
    clearTimeout(wait);
    wait = null;
    const mine = ++attempt;
    drop();
    onState("connecting", {});
    heard(); // a handshake that hangs is silence too
    let proof = null;
    try {
      proof = typeof token === "function" ? await token() : token;
    } catch { return mine === attempt && again(0); }
    if (stopped || mine !== attempt) return;
    const address = symbols ? `${url}?symbols=${symbols.map(encodeURIComponent).join(",")}` : url;
    const current = socket = new WebSocket(address, proof ? ["rates.v1", "bearer", proof] : ["rates.v1"]);
    current.onopen = () => { opened = Date.now(); heard(); onState("open", {}); };
    current.onclose = ({code}) => current === socket && again(code);
    current.onmessage = ({data}) => { if (current === socket) { heard(); read(data); } };
  }

  function read(data) {
    let message;
    try { message = JSON.parse(data); } catch { return; }
    if (message === null || typeof message !== "object" || typeof message.type !== "string") return;
    if (message.type === "bye" && message.retry_ms >= 0) byeMs = message.retry_ms;
    onMessage(message);
  }

  function again(code) {
    drop();
    if (stopped) return;
    if (NEVER_AGAIN.has(code)) return onState("refused", {code});
    if (opened && Date.now() - opened > GOOD_AFTER) tries = 0;
    opened = 0;
    const longest = SLOW_AGAIN.has(code) ? LONGEST_WAIT : Math.min(LONGEST_WAIT, Math.max(SPREAD, 2 ** tries++));
    const seconds = byeMs === null ? Math.random() * longest : (byeMs / 1000) * (1 + Math.random());
    byeMs = null;
    onState("waiting", {seconds});
    wait = setTimeout(connect, seconds * 1000);
  }

  function heard() {
    clearTimeout(silence);
    silence = setTimeout(() => again(0), quiet * 1000);
  }

  function drop() {
    clearTimeout(silence);
    const old = socket;
    socket = null;
    old?.close();
  }

  function wake() {
    if (!stopped && wait && !document.hidden) connect();
  }

  const wakers = [[window, "focus"], [window, "online"], [document, "visibilitychange"]];
  for (const [target, event] of wakers) target.addEventListener(event, wake);
  connect();
  return {
    send: (message) => socket?.readyState === 1 && socket.send(JSON.stringify(message)),
    retry: () => { tries = 0; connect(); },
    stop() {
      stopped = true;
      attempt++;
      clearTimeout(wait);
      drop();
      for (const [target, event] of wakers) target.removeEventListener(event, wake);
    },
  };
}

function defaultUrl() {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/rates`;
}
