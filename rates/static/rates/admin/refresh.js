// Renews the system page in place, every few seconds, while it is looked at.
const part = () => document.getElementById("system");

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("system");
    if (fresh) part().replaceWith(fresh);
  } catch (error) {
    console.info("system page: not renewed", error.message);
  }
}

setInterval(refresh, Number(part().dataset.seconds) * 1000);
