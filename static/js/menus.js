// Menus and dialogs are native (popover, dialog, command). This adds: arrow keys in menus, `menu:open` for fragments
// that load when opened, dialogs for browsers without invoker commands, and dialogs that arrive open with a fragment.

const items = (menu) => [...menu.querySelectorAll("a[href], button:not(:disabled), input:not([type=hidden])")];

document.addEventListener(
  "toggle",
  (event) => {
    if (!event.target.matches?.(".menu")) return;
    if (event.newState === "open") event.target.dispatchEvent(new CustomEvent("menu:open"));
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || event.target.matches("input, select, textarea")) return;
  const opener = event.target.closest("[popovertarget]");
  const menu = event.target.closest(".menu") ?? (opener && document.getElementById(opener.getAttribute("popovertarget")));
  if (!menu?.matches(":popover-open")) return;
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  event.preventDefault();
  all[(at + by + all.length) % all.length]?.focus();
});

// A dialog from a menu closes the menu first, so that focus returns to the menu's button
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[commandfor]");
  if (!button) return;
  button.closest(".menu")?.hidePopover();
  if ("commandForElement" in HTMLButtonElement.prototype) return;
  const dialog = document.getElementById(button.getAttribute("commandfor"));
  if (button.getAttribute("command") === "show-modal") dialog.showModal();
  else dialog.close();
});

document.addEventListener("htmx:load", (event) => {
  const dialog = event.target.matches?.("dialog[data-open]") ? event.target : event.target.querySelector?.("dialog[data-open]");
  if (dialog && !dialog.open) dialog.showModal();
});
