// Keyboard: / searches, n adds, g then a letter goes, ? lists. Single keys can be switched off on this device (WCAG 2.1.4).
// A page offers a key by data-key="c" on what it should press or focus (data-focus: the id of what has the focus then); the rail offers data-go="p".

const SWITCH = "shortcuts-off";
const toggle = document.querySelector("[data-shortcuts-on]");
const PATIENCE = 1500;
let going = 0;

const isTyping = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const isCovered = () => document.querySelector("dialog[open]:modal, [popover]:popover-open");

function press(element) {
  if (!element) return false;
  if (element.matches("[type=radio]")) element.click();
  if (element.matches("input, textarea, select")) element.focus();
  else element.click();
  document.getElementById(element.dataset.focus)?.focus();
  return true;
}

function shown(selector) {
  return [...document.querySelectorAll(selector)].find((element) => element.checkVisibility());
}

function handle(key) {
  if (Date.now() - going < PATIENCE) {
    going = 0;
    return press(document.querySelector(`[data-go="${CSS.escape(key)}"]`));
  }
  if (key === "g") {
    going = Date.now();
    return true;
  }
  if (key === "/") return press(document.getElementById("search"));
  if (key === "?") return document.getElementById("shortcuts")?.showModal() ?? true;
  return /^[a-z0-9]$/.test(key) && press(shown(`[data-key="${key}"]`));
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.id === "search") event.target.blur();
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
  if (localStorage.getItem(SWITCH) || isTyping(event.target) || isCovered()) return;
  if (handle(event.key)) event.preventDefault();
});

if (toggle) {
  toggle.checked = !localStorage.getItem(SWITCH);
  toggle.addEventListener("change", () => {
    if (toggle.checked) localStorage.removeItem(SWITCH);
    else localStorage.setItem(SWITCH, "1");
  });
}
