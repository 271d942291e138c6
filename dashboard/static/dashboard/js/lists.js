/** Watch lists, named, in this browser: the first one is the cards, the others are filters; each has an address to share. */
import {setText} from "./marks.js";
import {texts, translate} from "./numbers.js";
import {load, save} from "./preferences.js";

const MOST_LISTS = 12;
const byId = (id) => document.getElementById(id);
const element = (name, facts = {}) => Object.assign(document.createElement(name), facts);

export function addressOf(coins) {
  return `${document.body.dataset.root}/?coins=${coins.map(encodeURIComponent).join(",")}`;
}

/** *changed* is called when the lists are not what they were; it shows the table again. */
export function createLists(board, order, changed) {
  const dialog = byId("lists"), form = byId("list-form"), filters = byId("filters"), problem = byId("list-problem");
  let lists = load("lists");

  function keep(all) {
    lists = all;
    save("lists", lists);
    render();
    changed();
  }

  /** One button for each list beside "All" and the first one. */
  function renderFilters() {
    setText(filters.querySelector("[data-filter=pinned]"), load("firstList") || texts.pinned);
    const old = filters.querySelectorAll("[data-filter^='list:']"), pressed = [...old].find((each) => each.getAttribute("aria-pressed") === "true");
    const buttons = lists.map(({name}) => element("button", {textContent: name}));
    buttons.forEach((button, index) => {
      button.dataset.filter = `list:${lists[index].name}`;
      button.setAttribute("aria-pressed", pressed?.dataset.filter === button.dataset.filter);
    });
    for (const each of old) each.remove();
    filters.append(...buttons);
    if (pressed && !buttons.some((each) => each.dataset.filter === pressed.dataset.filter)) filters.firstElementChild.click();
  }

  function render() {
    renderFilters();
    const first = {name: load("firstList") || texts.pinned, coins: order.pinned()};
    byId("list-list").replaceChildren(...[first, ...lists].map((list, index) => makeItem(list, index - 1)));
  }

  /** *index*: -1 is the first list, which is the cards. */
  function makeItem({name, coins}, index) {
    const item = element("li"), what = element("span"), link = element("a", {className: "ctl", href: addressOf(coins), textContent: texts.list_open});
    what.append(element("b", {textContent: name}), element("small", {textContent: coins.join(", ") || "—"}));
    item.append(what, link);
    if (index < 0) return item;
    const raise = element("button", {className: "ctl", type: "button", textContent: texts.list_first});
    const remove = element("button", {className: "ctl icon", type: "button", textContent: "×"});
    remove.setAttribute("aria-label", translate("list_remove", {name}));
    raise.addEventListener("click", () => swapWithFirst(index));
    remove.addEventListener("click", () => { keep(lists.filter((_, each) => each !== index)); form.elements.name.focus(); });
    item.append(raise, remove);
    return item;
  }

  function swapWithFirst(index) {
    const former = {name: load("firstList") || texts.pinned, coins: order.pinned()}, {name, coins} = lists[index];
    save("firstList", name);
    order.setPins(coins);
    keep(lists.map((list, each) => (each === index ? former : list)));
  }

  /** Return {coins} in the spelling of the board, or the {unknown} ones of what was typed. */
  function readCoins(text) {
    const known = new Map([...board.coins.keys()].map((symbol) => [symbol.toLowerCase(), symbol]));
    const typed = [...new Set(text.split(/[\s,;]+/).filter(Boolean))], unknown = typed.filter((each) => !known.has(each.toLowerCase()));
    return unknown.length ? {unknown} : {coins: typed.map((each) => known.get(each.toLowerCase()))};
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = form.elements.name.value.trim(), {coins, unknown} = readCoins(form.elements.coins.value);
    const others = lists.filter((list) => list.name !== name);
    problem.textContent = unknown ? translate("list_unknown", {coins: unknown.join(", ")}) : others.length >= MOST_LISTS ? texts.list_many : "";
    if (problem.textContent || !name || !coins.length) return;
    keep([...others, {name, coins}]);
    form.reset();
  });
  byId("lists-open").addEventListener("click", () => { render(); dialog.showModal(); });
  byId("list-keep")?.addEventListener("click", () => {
    render();
    form.elements.coins.value = [...board.coins.keys()].join(", ");
    dialog.showModal();
    form.elements.name.focus();
  });
  addEventListener("storage", () => { lists = load("lists"); renderFilters(); });
  renderFilters();
  return {coinsOf: (name) => lists.find((list) => list.name === name)?.coins ?? []};
}
