// Live without reloads: one poll per tab every three seconds, answered 204 while nothing is new.
//
// GET <data-live-url>?token=… answers 204, or {"token": "…", "topics": ["offers"], "counts": {"offers": 3}}; 409 where the
// session shows somebody else's product by now, so that this page (of data-live-key) is to be loaded anew.
// Each poll that went well is the event `live:tick`, for what changes too often to be told of.
// Each topic becomes the event `live:<topic>` on body (hx-trigger="live:offers from:body"); counts fill
// [data-live-count=<name>], and are kept for the tab's next page together with the token.

const EVERY = 3000;
const SLOWEST = 60000;
const CHANGED = "You are somebody else in this browser by now. Reload this page to go on.";
const { liveUrl: url, liveKey: key } = document.body.dataset;
const store = `live-${key}`;
let known = { token: "", counts: {} };
let failures = 0;
let timer;
let over = false;

function show(counts) {
  for (const place of document.querySelectorAll("[data-live-count]")) {
    const count = counts[place.dataset.liveCount] || 0;
    place.textContent = count ? (count > 99 ? "99+" : count) : "";
  }
}

function tell(topics) {
  for (const topic of topics) document.body.dispatchEvent(new CustomEvent(`live:${topic}`, { bubbles: true }));
}

function signedOut() {
  clearTimeout(timer);
  document.dispatchEvent(new CustomEvent("session:over"));
}

// Ends the poll: nothing of somebody else is to come into this page
function changed() {
  over = true;
  document.dispatchEvent(new CustomEvent("toast", { detail: { id: "page-over", text: CHANGED, tone: "bad" } }));
  return true;
}

async function ask() {
  const response = await fetch(`${url}?key=${key}&token=${encodeURIComponent(known.token)}`, {
    headers: { Accept: "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(10000),
  });
  if (response.type === "opaqueredirect" || response.status === 401) return false;
  if (response.status === 204) return true;
  if (response.status === 409) return changed();
  if (!response.ok) throw new Error(`live: ${response.status}`);
  const { token, topics, counts } = await response.json();
  known = { token, counts: counts ?? known.counts };
  sessionStorage.setItem(store, JSON.stringify(known));
  show(known.counts);
  tell(topics);
  return true;
}

async function poll() {
  clearTimeout(timer);
  if (document.hidden || over) return;
  try {
    if (!(await ask())) return signedOut();
    failures = 0;
    tell(["tick"]);
  } catch {
    failures += 1;
  }
  clearTimeout(timer);
  if (!over) timer = setTimeout(poll, Math.min(EVERY * 2 ** failures, SLOWEST));
}

if (url) {
  known = JSON.parse(sessionStorage.getItem(store)) ?? known;
  show(known.counts);
  // Seen again after a while: what is on the page may be old, whatever the token says
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || over) return;
    tell(["offers", "notifications", "requests", "dialer"]);
    poll();
  });
  poll();
}
