// The peer in Node: `ws` with the same text from the same Redis channel (subscribed without a client library).
import net from "node:net";
import { WebSocketServer, WebSocket } from "ws";

const [port, url] = process.argv.slice(2);
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), perMessageDeflate: false, backlog: 4096 });
const redis = net.connect(new URL(url).port, "127.0.0.1");
redis.write("SUBSCRIBE rates_update\r\n");

const HEAD = "*3\r\n$7\r\nmessage\r\n$12\r\nrates_update\r\n$";
let waiting = Buffer.alloc(0);
redis.on("data", (data) => {
  waiting = Buffer.concat([waiting, data]);
  for (;;) {
    const message = waiting.indexOf(HEAD);
    if (message < 0) return;
    const size = message + HEAD.length, end = waiting.indexOf("\r\n", size);
    if (end < 0) return;
    const length = Number(waiting.toString("latin1", size, end)), text = end + 2;
    if (waiting.length < text + length) return;
    const body = waiting.toString("utf8", text, text + length);
    waiting = waiting.subarray(text + length + 2);
    for (const client of server.clients) if (client.readyState === WebSocket.OPEN) client.send(body);
  }
});
