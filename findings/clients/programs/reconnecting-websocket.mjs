import WebSocket from "ws";
import Reconnecting from "reconnecting-websocket";
import { read, say, SECONDS, URL, WITH_LINE } from "./common.mjs";

const options = { WebSocket };
if (WITH_LINE) {
  options.minReconnectionDelay = Math.random() * SECONDS * 1000; // the line
}
const socket = new Reconnecting(URL, ["rates.v1"], options);
socket.addEventListener("message", ({ data }) => read(data));
socket.addEventListener("error", () => say("error"));
socket.addEventListener("close", ({ code, wasClean }) => say(`close ${code}`, wasClean && "clean"));
