/** Questions to our own API, with the page's own token where it wants one. */
const page = document.body.dataset;
const UNAUTHORIZED = 401;
let token = null;

/** Return a token that opens the socket and the API for some minutes. */
export async function newToken() {
  return (await (await fetch(page.tokenUrl)).json()).token;
}

/** Return the answer to a GET, or null when there is none or it is an error. */
export async function ask(url) {
  try {
    const answer = await askOnce(url, false);
    const final = answer.status === UNAUTHORIZED && page.tokenUrl ? await askOnce(url, true) : answer;
    return final.ok ? await final.json() : null;
  } catch {
    return null;
  }
}

async function askOnce(url, renew) {
  if (!page.tokenUrl) return fetch(url);
  if (renew || !token) token = await newToken();
  return fetch(url, {headers: {Authorization: `Bearer ${token}`}});
}
