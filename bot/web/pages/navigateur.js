// Notifications of this browser: asked for by a button, given by the browser, posted as a form.
(function () {
  'use strict';
  var button = document.getElementById('activer');
  var said = document.getElementById('etat');
  var form = document.getElementById('navigateur');
  if (!button || !form) { return; }
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) {
    said.textContent = 'Ce navigateur ne sait pas recevoir de notifications.';
    return;
  }
  function bytes(text) {
    var plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
    return Uint8Array.from(plain, function (c) { return c.charCodeAt(0); });
  }
  // A browser that knows another key of this site is given ours.
  async function subscribed(manager) {
    var wanted = { userVisibleOnly: true, applicationServerKey: bytes(form.dataset.cle) };
    try {
      return await manager.subscribe(wanted);
    } catch (fault) {
      var old = await manager.getSubscription();
      if (!old) { throw fault; }
      await old.unsubscribe();
      return manager.subscribe(wanted);
    }
  }
  button.hidden = false;
  button.addEventListener('click', async function () {
    button.disabled = true;
    try {
      if (await Notification.requestPermission() !== 'granted') {
        said.textContent = 'Votre navigateur a refusé : autorisez les notifications de ce site dans ses réglages, puis recommencez.';
        button.disabled = false;
        return;
      }
      await navigator.serviceWorker.register('/notifications.js');
      var worker = await navigator.serviceWorker.ready;
      var given = await subscribed(worker.pushManager);
      var shape = given.toJSON();
      form.elements.adresse.value = shape.endpoint;
      form.elements.cle.value = shape.keys.p256dh;
      form.elements.secret.value = shape.keys.auth;
      form.submit();
    } catch (fault) {
      said.textContent = 'Votre navigateur n’a pas pu s’abonner à ses notifications. Réessayez plus tard.';
      button.disabled = false;
    }
  });
})();
