// A session that ended amid work: the page stays, with what was typed. Signing in (in another tab) makes a new form token;
// the page that refuses the old one carries it, so that the form is sent again by itself, once, if it is the same person.

const ENDED = "Your session has ended or changed. Sign in again, then repeat this: what you typed is still here.";
const resent = new WeakSet();

function tell() {
  const detail = { id: "session-over", text: ENDED, tone: "bad", link: { href: "/", text: "Sign in in another tab" } };
  document.dispatchEvent(new CustomEvent("toast", { detail }));
}

// The page of a refused form token, if that is what came back (templates/403_csrf.html)
function refusal(xhr) {
  const page = xhr.status === 403 && new DOMParser().parseFromString(xhr.responseText, "text/html");
  return page && page.querySelector("[data-stale-form]") ? page : null;
}

function takeToken(page) {
  const { liveKey } = page.body.dataset;
  if (!liveKey || liveKey !== document.body.dataset.liveKey) return false;
  const headers = page.body.getAttribute("hx-headers");
  const token = JSON.parse(headers)["X-CSRFToken"];
  document.body.setAttribute("hx-headers", headers);
  for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) input.value = token;
  return true;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  const { elt, triggeringEvent } = requestConfig;
  const page = refusal(xhr);
  if (xhr.status !== 401 && !page) {
    resent.delete(elt);
    if (xhr.status < 400) document.getElementById("session-over")?.remove();
    return;
  }
  event.detail.isError = false; // told here
  if (!page || resent.has(elt) || !elt.matches("form") || !takeToken(page)) return tell();
  resent.add(elt);
  const { submitter } = triggeringEvent ?? {};
  setTimeout(() => (submitter ? submitter.click() : elt.requestSubmit()));
});

document.addEventListener("session:over", tell);

// Signed out, nothing of hers stays in this tab
document.addEventListener("submit", ({ target }) => {
  if (target.action.endsWith("/logout/")) sessionStorage.clear();
});
