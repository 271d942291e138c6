// The WebSocket of Node itself, or of undici where it is installed beside this file.
import { read, say, SECONDS, URL, WITH_LINE } from "./common.mjs";

function connect() {
  const socket = new WebSocket(URL, ["rates.v1"]);
  socket.onmessage = ({ data }) => read(data);
  socket.addEventListener("error", () => say("error"));
  socket.addEventListener("close", ({ code }) => say(`close ${code}`));
  if (WITH_LINE) {
    socket.onclose = () => setTimeout(connect, Math.random() * SECONDS * 1000); // the line
  }
}

connect();
setInterval(() => {}, 1000);
