// Lists: j and k move, x ticks, Enter opens (the row's link has the focus), a click anywhere on a row opens it.
// Markup: rows have data-row and, unless redacted, a.row-link; a tick-all box has data-tick-all; data-ticked shows how many.
// A button with data-tick (all or none) ticks the boxes named data-of.

const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility());
const currentRow = () => document.activeElement?.closest("[data-row]") ?? document.querySelector("[data-row].is-current");

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(currentRow());
  const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
  const link = next.querySelector(".row-link");
  if (!link) next.tabIndex = -1;
  (link ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function tick() {
  const box = currentRow()?.querySelector("[type=checkbox]");
  if (box) box.click();
}

function count(form) {
  const boxes = [...form.querySelectorAll("[data-row] [type=checkbox]")];
  const ticked = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("[data-tick-all]");
  if (all) {
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  for (const place of form.querySelectorAll("[data-ticked]")) place.textContent = ticked;
}

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || localStorage.getItem("shortcuts-off")) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog, [popover]")) return;
  const act = { j: () => step(1), k: () => step(-1), x: tick }[event.key];
  if (!act || !rows().length) return;
  event.preventDefault();
  act();
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-row]");
  if (!row) return;
  document.querySelectorAll("[data-row].is-current").forEach((other) => other.classList.remove("is-current"));
  row.classList.add("is-current");
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form");
  if (!form || event.target.type !== "checkbox") return;
  if (event.target.matches("[data-tick-all]")) {
    form.querySelectorAll("[data-row] [type=checkbox]").forEach((box) => (box.checked = event.target.checked));
  }
  count(form);
});

document.addEventListener("click", (event) => {
  if (event.target.matches("td.tick")) event.target.querySelector("input")?.click();
  const clear = event.target.closest("[data-untick]");
  if (clear) {
    const form = clear.closest("form");
    form.querySelectorAll("[type=checkbox]:checked").forEach((box) => (box.checked = false));
    count(form);
  }
  const several = event.target.closest("[data-tick]");
  if (several) {
    const boxes = several.closest("form").querySelectorAll(`[name="${several.dataset.of}"]`);
    boxes.forEach((box) => (box.checked = several.dataset.tick === "all"));
  }
  const link = event.target.closest("[data-row]")?.querySelector(".row-link");
  if (!link || event.target.closest("a, button, input, label, select, .tick") || String(getSelection())) return;
  if (event.metaKey || event.ctrlKey) window.open(link.href, "_blank", "noopener");
  else link.click();
});

// After going back, browsers restore ticks without telling
document.querySelectorAll("form:has([data-tick-all])").forEach(count);
