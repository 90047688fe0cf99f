// A lead's page, open while the lead moves on: as soon as an answer says that it is not there for her any more, the page
// says so and lets go of it. What was being written is kept to be copied.

const main = document.getElementById("main");

function letGo() {
  const gone = document.getElementById("lead-gone");
  if (!gone) return;
  const typed = [...main.querySelectorAll("#composer textarea")].map((area) => area.value.trim()).find(Boolean);
  const page = gone.content.cloneNode(true);
  if (typed) page.querySelector("textarea").value = typed;
  else page.querySelector(".field").remove();
  document.title = page.querySelector("h1").textContent;
  main.replaceChildren(page);
  main.focus();
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  if (xhr.status !== 404 || !main.contains(requestConfig.elt)) return;
  event.detail.isError = false; // told here
  letGo();
});

// What she has opened stays open when its part of the page is drawn anew
let open = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  open = [...event.detail.target.querySelectorAll("details[id][open]")].map((details) => details.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
});
