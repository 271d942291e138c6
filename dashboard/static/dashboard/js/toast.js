/** Short notes at the bottom of the page, newest last: each for a while, several at once. */
const SHOWN_MS = 15_000, MOST = 5;

export function showToast(text) {
  const toast = document.getElementById("toast"), line = document.createElement("p");
  line.textContent = text;
  toast.append(line);
  while (toast.children.length > MOST) toast.firstElementChild.remove();
  setTimeout(() => line.remove(), SHOWN_MS);
}
