// Passing messages: they leave by themselves, unless they are bad, hold something to press, or someone is on them.
// Two events for other modules: `toast` ({text, tone, link: {href, text}, id}) shows one, whose link opens in another tab,
// unless it is there already; `announce` ("…") only says it to screen readers.

const STAYS = 7000;
const list = document.getElementById("toasts");
const announcer = document.getElementById("announcer");

function leaves(toast) {
  return toast.dataset.tone !== "bad" && !toast.querySelector(".toast-text :is(a, button)");
}

function watch(toast) {
  if (!leaves(toast)) return;
  let timer;
  const start = () => (timer = setTimeout(() => toast.remove(), STAYS));
  const stop = () => clearTimeout(timer);
  for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, stop);
  for (const event of ["pointerleave", "focusout"]) toast.addEventListener(event, start);
  start();
}

function show({ text, tone = "info", link, id = "" }) {
  if ([...list.querySelectorAll(".toast-text")].some((shown) => shown.firstChild?.textContent.trim() === text)) return;
  const toast = document.createElement("div");
  Object.assign(toast, { className: "toast", id });
  toast.dataset.tone = tone;
  toast.innerHTML = '<span class="dot"></span><div class="toast-text"></div>';
  toast.lastElementChild.textContent = text;
  if (link) {
    const a = Object.assign(document.createElement("a"), { href: link.href, textContent: link.text, target: "_blank" });
    toast.lastElementChild.append(" ", a);
  }
  const close = document.createElement("button");
  Object.assign(close, { type: "button", className: "button is-icon", textContent: "✕", ariaLabel: "Close" });
  Object.assign(close.dataset, { kind: "ghost", size: "sm", closeToast: "" });
  toast.append(close);
  list.append(toast);
}

// Why it was refused, as the page of a refusal says it (templates/403.html)
function reason(page) {
  const said = new DOMParser().parseFromString(page, "text/html").querySelector("[data-refusal]");
  return said?.textContent ?? "Your profile does not include this.";
}

// What a failed request means, in words. Nothing typed is lost: the page was not replaced.
function explain(status, page = "") {
  if (status === 403) return `${reason(page)} Nothing was changed.`;
  if (status === 404) return "This is not here for you any more: it may have moved on to someone else. Reload to see what is.";
  if (status === 429) return "That was a little fast. Wait a moment, then try again.";
  if (status) return "Something went wrong on our side. What you typed is still here; please try again.";
  return "No answer from the server. What you typed is still here; try again when you are online.";
}

list.querySelectorAll(".toast").forEach(watch);
new MutationObserver((changes) => {
  for (const change of changes) change.addedNodes.forEach((node) => node.nodeType === 1 && watch(node));
}).observe(list, { childList: true });

list.addEventListener("click", (event) => event.target.closest("[data-close-toast]")?.closest(".toast").remove());
document.addEventListener("announce", (event) => (announcer.textContent = event.detail));
document.addEventListener("toast", (event) => show(event.detail));
document.addEventListener("htmx:responseError", (event) => show({ text: explain(event.detail.xhr.status, event.detail.xhr.responseText), tone: "bad" }));
// A refusal in the server's own words
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const text = detail.xhr.getResponseHeader("X-Refusal");
  if (!text) return;
  detail.isError = false; // told here
  show({ text, tone: "bad" });
});
for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, () => show({ text: explain(0), tone: "bad" }));
