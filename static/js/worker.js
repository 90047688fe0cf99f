// The service worker, served at /sw.js: shows what is pushed to this browser, and opens it. It keeps no pages.
//
// A push is {title, body, url, tag, person}. It may arrive long after it was sent, so what it says is shown only while that
// person is still signed in here; whoever else uses this browser learns no more than that there is news.

const WITHHELD = { title: "Fairlead has news", body: "Sign in to read it.", url: "/", tag: "withheld" };

async function isSignedIn(person) {
  try {
    const answer = await fetch(`/live/?key=${encodeURIComponent(person)}`, { redirect: "error", cache: "no-store" });
    return answer.ok; // 401: nobody is, 409: somebody else
  } catch {
    return false;
  }
}

async function show(told) {
  const { title, body, url, tag } = (await isSignedIn(told.person)) ? told : WITHHELD;
  await self.registration.showNotification(title, { body, tag, renotify: true, data: { url } });
}

async function open(path) {
  const { href } = new URL(path, self.location.origin);
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((page) => page.url === href);
  return there ? there.focus() : self.clients.openWindow(href);
}

// The push service gave this browser another address. Where the old one is not said, the next page says it (push.js)
async function renew({ oldSubscription: old, newSubscription }) {
  if (!old) return;
  const made = newSubscription ?? (await self.registration.pushManager.subscribe(old.options));
  const { endpoint, keys } = made.toJSON();
  const body = new URLSearchParams({ was: old.endpoint, endpoint, ...keys });
  await fetch("/notifications/devices/renew/", { method: "POST", body });
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(show(event.data?.json() ?? WITHHELD)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.url));
});
