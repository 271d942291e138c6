/** The HTML that shows a coin elsewhere, as card or badge, made from the choices of a dialog. */
const byId = (id) => document.getElementById(id);
const SIZES = {small: [240, 270], medium: [320, 270], large: [480, 280]};
const BADGE = [240, 24];
const form = byId("embed-form"), code = byId("embed-code"), preview = byId("embed-preview"), page = document.body.dataset;

form.addEventListener("input", write);
byId("embed-copy").addEventListener("click", async () => {
  code.select();
  await navigator.clipboard?.writeText(code.value).catch(() => null); // it stays selected
});

export function openEmbedCode() {
  write();
  byId("embed-dialog").showModal();
}

function write() {
  const {kind, size, theme} = Object.fromEntries(new FormData(form)), isCard = kind === "card", name = document.querySelector("h1").textContent;
  const address = new URL(isCard ? page.embedUrl : page.badgeUrl, location.href), [width, height] = isCard ? SIZES[size] : BADGE;
  if (isCard && theme) address.searchParams.set("theme", theme);
  if (page.currency !== page.base) address.searchParams.set("currency", page.currency);
  const element = isCard ? makeCard(address, name) : makeBadge(address, name, new URL(location.pathname, location.href));
  const shown = element.matches("a") ? element.firstElementChild : element;
  Object.assign(shown, {width, height});
  code.value = element.outerHTML;
  preview.replaceChildren(element);
  for (const field of form.querySelectorAll(".of-card")) field.hidden = !isCard;
}

function makeCard(address, title) {
  return Object.assign(document.createElement("iframe"), {src: address, title, loading: "lazy", frameBorder: "0"});
}

function makeBadge(address, alt, target) {
  const link = Object.assign(document.createElement("a"), {href: target});
  link.append(Object.assign(document.createElement("img"), {src: address, alt}));
  return link;
}
