// The desk: says every ten seconds that it is there (desk:beat) and now and then asks for the next lead (desk:ask), counts
// the time in a state (<time data-since data-now>). On a phone it hands the number to the dialler once a call begins
// (a[data-dial-now]); elsewhere that link has the focus, since a computer may have to ask which program is to dial.

import { clock } from "./countdown.js";

const BEATS_TO_ASK = 3;
const onPhone = matchMedia("(pointer: coarse)");
const skews = new WeakMap();
let beats = 0;

const tell = (name) => document.body.dispatchEvent(new CustomEvent(name, { bubbles: true }));
const desk = () => document.getElementById("desk");
const since = () => desk()?.querySelector("time[data-since]")?.dataset.since;
let dialed = since(); // a page that is loaded anew does not dial again

function count(time) {
  if (!skews.has(time)) skews.set(time, Date.now() - Date.parse(time.dataset.now));
  const text = clock(Math.floor((Date.now() - skews.get(time) - Date.parse(time.dataset.since)) / 1000));
  if (time.textContent !== text) time.textContent = text;
}

function dial() {
  const link = desk()?.querySelector("a[data-dial-now]");
  if (!link || !onPhone.matches || since() === dialed) return;
  dialed = since();
  location.href = link.href;
}

new Worker(desk().dataset.beat).onmessage = () => {
  beats += 1;
  tell(beats % BEATS_TO_ASK ? "desk:beat" : "desk:ask"); // which says that she is there, too; one at a time goes out
};
document.addEventListener("htmx:afterSettle", dial);
setInterval(() => document.querySelectorAll("time[data-since]").forEach(count), 1000);
