// The peer to compare with: Node's `ws`, one Redis subscription (spoken by hand) for all sockets.
import net from "node:net";
import { WebSocketServer } from "ws";

const [port, redisPort] = process.argv.slice(2).map(Number);
const server = new WebSocketServer({ port, host: "127.0.0.1", perMessageDeflate: false, backlog: 4096 });
const link = net.connect(redisPort, "127.0.0.1", () => link.write("SUBSCRIBE benchmark\r\n"));
let waiting = Buffer.alloc(0);

link.on("data", (data) => {
  waiting = Buffer.concat([waiting, data]);
  for (let size; (size = reply(waiting)); waiting = waiting.subarray(size));
});

// Returns the bytes of one whole `*3 $.. message $.. channel $.. text` reply; 0 when it is not all there.
function reply(buffer) {
  const texts = [];
  let at = buffer.indexOf("\r\n") + 2;
  if (at < 2) return 0;
  for (let part = 0; part < 3; part++) {
    const end = buffer.indexOf("\r\n", at);
    if (end < 0) return 0;
    const size = Number(buffer.subarray(at + 1, end));
    if (buffer[at] === 58) { at = end + 2; continue; }
    if (buffer.length < end + 2 + size + 2) return 0;
    texts.push(buffer.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
  if (String(texts[0]) === "message") for (const socket of server.clients) socket.send(String(texts[2]));
  return at;
}
