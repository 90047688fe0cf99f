// Being told on this device by web push. On the page of her devices a switch ([data-push] has the installation's key); on
// every page, once an hour and after signing in anew: the server hears where this browser is reached by now.
//
// What a person agreed to here is kept in this browser: {person, server, endpoint, at}. Another person agrees for herself.

const HOUR = 3600000;
const { devicesUrl: url, liveKey: person } = document.body.dataset;
const can = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const agreed = () => JSON.parse(localStorage.getItem("push") ?? "{}");
const agree = (server, endpoint, at = Date.now()) =>
  localStorage.setItem("push", JSON.stringify({ person, server, endpoint, at }));
const forget = () => localStorage.removeItem("push");

async function subscription() {
  const registration = await navigator.serviceWorker.getRegistration("/");
  return (await registration?.pushManager.getSubscription()) ?? null;
}

// Where this browser is reached, by pushes of this installation alone
async function subscribe(server) {
  const { pushManager } = await navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready);
  const options = { userVisibleOnly: true, applicationServerKey: server };
  const before = await pushManager.getSubscription();
  if (before && agreed().server !== server) await before.unsubscribe();
  return pushManager.subscribe(options);
}

async function tell(path, made, fields = {}) {
  const { endpoint, keys } = made.toJSON();
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  return fetch(path, { method: "POST", headers, body: new URLSearchParams({ ...fields, endpoint, ...keys }) });
}

async function renew({ server, endpoint: was, at }) {
  if (Notification.permission !== "granted" || Date.now() - at < HOUR) return;
  const made = await subscribe(server);
  const { ok, status } = await tell(`${url}renew/`, made, { was });
  if (ok) agree(server, made.endpoint);
  else if (status === 404) forget(); // she has stopped it from elsewhere, or somebody else is told here
}

if (url && can && agreed().person === person) renew(agreed()).catch(() => {});

// Signed out she is not told; she is again once she is back
document.addEventListener("submit", ({ target }) => {
  const { server, endpoint, person: whose } = agreed();
  if (target.action.endsWith("/logout/") && whose === person) agree(server, endpoint, 0);
});

// --- The switch ---------------------------------------------------------------------------------------------------------

const place = document.querySelector("[data-push]");
const toggle = place?.querySelector("[data-push-switch]");
const said = place?.querySelector("[data-push-said]");
const SAYS = {
  insecure: "Browsers can be told only by addresses that begin with https://. Ask whoever runs Fairlead for you.",
  cannot: "This browser cannot be told. On an iPhone or iPad, add Fairlead to the Home Screen and open it from there.",
  denied:
    "Notifications from Fairlead are blocked in this browser. Allow them in its settings for this site (the sign beside the address), then reload this page.",
  off: "Switch it on, and your browser asks whether Fairlead may show you notifications.",
  on: "You are told here as long as you are signed in.",
  failed: "This browser could not be set up just now. You are told by the bell and by e-mail; try again later.",
};

function say(state) {
  said.textContent = SAYS[state];
  toggle.checked = state === "on";
  toggle.disabled = ["insecure", "cannot", "denied"].includes(state);
}

async function row() {
  const made = await subscription();
  if (!made) return null;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(made.endpoint));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return document.querySelector(`[data-device="${hex}"]`);
}

async function look() {
  if (!window.isSecureContext) return say("insecure");
  if (!can) return say("cannot");
  const own = await row();
  own?.querySelector("[data-this-device]").removeAttribute("hidden");
  own?.querySelector("form").addEventListener("submit", forget);
  if (Notification.permission === "denied") return say("denied");
  say(own ? "on" : "off");
}

async function switchOn() {
  if ((await Notification.requestPermission()) !== "granted") return look();
  const made = await subscribe(place.dataset.push);
  const response = await tell(url, made);
  if (!response.ok) throw new Error(`devices: ${response.status}`);
  agree(place.dataset.push, made.endpoint);
  location.reload();
}

async function change() {
  toggle.disabled = true;
  try {
    if (toggle.checked) await switchOn();
    else (await row())?.querySelector("form").requestSubmit();
  } catch {
    say("failed");
  }
}

if (place) {
  look().catch(() => say("failed"));
  toggle.addEventListener("change", change);
}
