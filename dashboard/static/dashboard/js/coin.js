/** The coin page: its figures, kept current by the events of `main.js`; chart and table are in `history.js`. */
import {createHistory} from "./history.js";
import {setText} from "./marks.js";
import {formatExact, formatNumber, formatShare, inUnit, sourceName, texts} from "./numbers.js";

const page = document.body.dataset, byId = (id) => document.getElementById(id);
const history = createHistory(page, Number(page.decimals));
byId("embed-open").addEventListener("click", () => {
  import("./embed-code.js").then(({openEmbedCode}) => openEmbedCode(), () => { byId("toast").textContent = texts.lost; });
});

function showFigures(coin) {
  setText(document.querySelector("h1"), `${coin.name} (${coin.symbol})`);
  setText(byId("exact"), coin.price === null ? "—" : inUnit(formatExact(coin.price), coin.currency));
  setText(byId("volume"), coin.volume_24h === null ? "—" : inUnit(formatNumber(coin.volume_24h, 0), coin.currency));
  setText(byId("confirmed"), coin.confirmed_by.map(sourceName).join(", ") || "—");
  setText(byId("spread"), coin.spread_pct === null ? "—" : formatShare(coin.spread_pct));
}

// A hidden or paused page renders nothing, but its history goes on.
document.addEventListener("rates:received", ({detail: {kind, board}}) => {
  const coin = board.coins.get(page.select);
  if (coin) history.follow(coin);
  if (kind === "board" && coin) history.catchUp(); // updates may have been missed: only the server has them
  if (coin && ["board", "update"].includes(kind)) history.extend(coin, Date.parse(board.asOf) / 1000);
});
document.addEventListener("rates:rendered", ({detail: {coins}}) => {
  const coin = coins.get(page.select);
  byId("gone").hidden = coin !== undefined;
  if (coin) showFigures(coin);
  history.render();
});
