/** Notifications of the browser: shown by the page, or by a service worker where only those may (Chrome on Android). */
export const canNotify = "Notification" in window;

/** Show *text* if the visitor has allowed it; whoever calls has told it on the page in any case. */
export async function notify(text) {
  if (!canNotify || Notification.permission !== "granted") return;
  try {
    new Notification(text, {tag: text});
  } catch {
    await notifyByWorker(text).catch((error) => console.info("rates: no notification:", error.message));
  }
}

async function notifyByWorker(text) {
  const registration = await navigator.serviceWorker.register(new URL("notification-worker.js", import.meta.url));
  await activated(registration.active ?? registration.waiting ?? registration.installing);
  await registration.showNotification(text, {tag: text});
}

function activated(worker) {
  return new Promise((resolve) => {
    const look = () => worker.state === "activated" && resolve();
    worker.addEventListener("statechange", look);
    look();
  });
}
