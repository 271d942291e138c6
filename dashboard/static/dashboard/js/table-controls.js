/** Search, filter and sort of the table: by pointer, by keyboard, and in the address, so that a view can be shared. */
import {createLists} from "./lists.js";

const byId = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];

export function wireTable(board, order, view) {
  const find = byId("find"), select = byId("sort"), sorts = all("[data-sort]"), filters = byId("filters");
  const lists = createLists(board, order, () => view.render({whole: true}));
  const choices = {all: null, pinned: order.pinned};
  readAddress();
  find.addEventListener("input", () => { order.search(find.value); show(); });
  filters.addEventListener("click", ({target}) => {
    const name = target.dataset.filter;
    if (!name) return;
    for (const each of filters.children) each.setAttribute("aria-pressed", each === target);
    order.filterBy(name in choices ? choices[name] : () => lists.coinsOf(name.replace("list:", "")));
    show();
  });
  for (const button of sorts) {
    button.disabled = false;
    button.addEventListener("click", () => { order.sortBy(button.dataset.sort); show(); });
  }
  select.addEventListener("change", () => { order.setSort(parseSort(select.value)); show(); });
  wireKeys(find);
  showSorting();

  function show() {
    view.render();
    showSorting();
    writeAddress();
  }

  function showSorting() {
    const sort = order.sorting();
    for (const button of sorts) {
      const header = button.closest("th");
      if (sort?.by !== button.dataset.sort) header.removeAttribute("aria-sort");
      else header.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
    }
    select.value = formatSort(sort);
  }

  function readAddress() {
    const asked = new URLSearchParams(location.search), sort = parseSort(asked.get("sort"));
    if (sort) order.setSort(sort);
    find.value = asked.get("q") ?? "";
    order.search(find.value);
  }

  function writeAddress() {
    const asked = new URLSearchParams(location.search);
    for (const [name, value] of [["q", find.value.trim()], ["sort", formatSort(order.sorting())]]) {
      if (value) asked.set(name, value);
      else asked.delete(name);
    }
    const query = asked.toString().replaceAll("%2C", ",");
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
  }
}

/** Enter opens the first hit; arrows go from the field to the rows, and from row to row. */
function wireKeys(find) {
  const links = () => all("#rows tr:not([hidden]) [data-part=name]");
  find.addEventListener("keydown", (event) => {
    const first = links()[0];
    if (!first || (event.key !== "Enter" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    if (event.key === "Enter") first.click();
    else first.focus();
  });
  byId("rows").addEventListener("keydown", (event) => {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key], row = event.target.closest("tr");
    if (!step || !row) return;
    event.preventDefault();
    const shown = links(), at = shown.indexOf(row.querySelector("[data-part=name]")) + step;
    if (at < 0) find.focus();
    else shown[at]?.focus();
  });
}

/** In the address and the select: `-price` is the largest first. */
function formatSort(sort) {
  return sort ? (sort.down ? "-" : "") + sort.by : "";
}

function parseSort(text) {
  const found = (text ?? "").match(/^(-?)(name|price|change|volume)$/);
  return found && {by: found[2], down: found[1] === "-"};
}
