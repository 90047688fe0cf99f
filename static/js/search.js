// The search on top of the page: a combobox over the list that htmx fetches. Up and down choose, Enter opens, Escape closes.

const input = document.getElementById("search");
const list = document.getElementById("search-found");

const options = () => [...list.querySelectorAll("[role=option]")];
const chosen = () => list.querySelector("[aria-selected=true]");

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
}

function show(open) {
  list.hidden = !open;
  input.setAttribute("aria-expanded", String(open));
  if (!open) choose(null);
}

function say() {
  const found = options().length - 1;
  document.getElementById("announcer").textContent =
    found > 0 ? `${found} found. Up and down to choose.` : (list.textContent.trim() || "");
}

if (input && list) {
  list.addEventListener("htmx:afterSwap", () => {
    input.removeAttribute("aria-activedescendant");
    show(document.activeElement === input && list.textContent.trim() !== "");
    if (!list.hidden) say();
  });
  input.addEventListener("input", () => {
    if (!input.value.trim()) {
      list.replaceChildren();
      show(false);
    }
  });
  input.addEventListener("focus", () => show(list.textContent.trim() !== "" && input.value.trim() !== ""));
  input.closest("form").addEventListener("focusout", (event) => {
    if (!event.currentTarget.contains(event.relatedTarget)) show(false);
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays where she writes
  input.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = options();
    if (by && all.length) {
      event.preventDefault();
      show(true);
      const at = all.indexOf(chosen());
      choose(all[at < 0 && by < 0 ? all.length - 1 : (at + by + all.length) % all.length]);
    } else if (event.key === "Enter" && !list.hidden && chosen()) {
      event.preventDefault();
      chosen().click();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      show(false);
    }
  });
}
