// The WebSocket of Node 22 tells of a refused handshake by `error` alone.
import { read, say, SECONDS, URL, WITH_LINE } from "./common.mjs";

function connect() {
  const socket = new WebSocket(URL, ["rates.v1"]);
  socket.onmessage = ({ data }) => read(data);
  socket.addEventListener("error", () => say("error"));
  socket.addEventListener("close", ({ code }) => say(`close ${code}`));
  if (WITH_LINE) {
    socket.onclose = socket.onerror = () => { if (!socket.over) { socket.over = setTimeout(connect, Math.random() * SECONDS * 1000); } }; // the line
  }
}

connect();
setInterval(() => {}, 1000);
