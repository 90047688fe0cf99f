// Runs every <time data-deadline data-now>: data-now is the server's clock when it was drawn, so a wrong local clock does
// not matter. Urgent below five minutes, said aloud at one, and `offer:due` bubbles from it once when time is up.

const URGENT = 300;
const skews = new WeakMap();
const said = new WeakSet();
const over = new WeakSet();

const two = (number) => String(number).padStart(2, "0");

// The same words as the countdown tag of crm/core/templatetags/core.py
export function clock(seconds) {
  const left = Math.max(0, seconds);
  const hours = Math.floor(left / 3600);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours) return `${hours} h ${two(Math.floor(left / 60) % 60)} min`;
  return `${Math.floor(left / 60)}:${two(left % 60)}`;
}

function tick(time) {
  if (!skews.has(time)) skews.set(time, Date.now() - Date.parse(time.dataset.now));
  const left = Math.ceil((Date.parse(time.dataset.deadline) - (Date.now() - skews.get(time))) / 1000);
  const words = time.querySelector("[data-left]");
  const text = clock(left);
  if (words.textContent !== text) words.textContent = text;
  time.classList.toggle("is-urgent", left > 0 && left < URGENT);
  time.classList.toggle("is-due", left <= 0);
  if (left <= 60 && left > 0 && !said.has(time)) {
    said.add(time);
    const detail = `One minute left: ${time.dataset.about || "an offer"}`;
    document.dispatchEvent(new CustomEvent("announce", { detail }));
  }
  if (left <= 0 && !over.has(time)) {
    over.add(time);
    time.dispatchEvent(new CustomEvent("offer:due", { bubbles: true }));
  }
}

const run = () => document.querySelectorAll("time[data-deadline]").forEach(tick);

document.addEventListener("htmx:load", run);
setInterval(run, 1000);
run();
