/** The service worker by which notifications are shown where pages may not; a click on one brings a page to the front. */
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.matchAll({type: "window", includeUncontrolled: true}).then(([page]) => page?.focus()));
});
