import WebSocket from "ws";
import { read, say, SECONDS, URL, WITH_LINE } from "./common.mjs";

function connect() {
  const socket = new WebSocket(URL, ["rates.v1"]);
  socket.on("message", read);
  socket.on("error", (error) => say(`error "${error.message}"`));
  socket.on("close", (code) => say(`close ${code}`));
  if (WITH_LINE) {
    socket.on("close", () => setTimeout(connect, Math.random() * SECONDS * 1000)); // the line
  }
}

connect();
