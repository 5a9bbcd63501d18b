// Shows what Vigie sends to this browser, and opens its page. Keeps nothing.
'use strict';
self.addEventListener('push', function (event) {
  var told = {};
  try { told = event.data.json(); } catch (fault) { told = {}; }
  event.waitUntil(self.registration.showNotification(told.title || 'Vigie', {
    body: told.body || '', tag: told.tag, lang: 'fr', icon: '/icone.svg', data: { url: told.url }
  }));
});
self.addEventListener('notificationclick', function (event) {
  event.notification.close();
  var url = (event.notification.data || {}).url;
  if (url) { event.waitUntil(self.clients.openWindow(url)); }
});
