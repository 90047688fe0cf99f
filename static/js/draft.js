// What is typed at the desk and not saved yet, kept in this tab for when the page is loaded anew. It is let go of as soon as
// the desk is not about that lead's call any more (saved, logged out), and by signing out (session.js).

const STORE = "desk-draft";
const NAMES = ["disposition", "note", "call_back", "anyone"];
const { liveKey: person } = document.body.dataset;

const said = () => document.querySelector("#desk form.desk-said");
const about = (form) => `${person} ${form.elements.lead.value}`;

function keep(form) {
  const typed = [...new FormData(form)].filter(([name]) => NAMES.includes(name));
  sessionStorage.setItem(STORE, JSON.stringify({ of: about(form), typed: Object.fromEntries(typed) }));
}

function kept() {
  const found = JSON.parse(sessionStorage.getItem(STORE) ?? "{}");
  const form = said();
  if (form && found.of === about(form)) return found.typed;
  sessionStorage.removeItem(STORE);
  return {};
}

function restore() {
  const typed = kept();
  for (const control of said()?.elements ?? []) {
    if (!(control.name in typed)) continue;
    if (control.matches("[type=radio], [type=checkbox]")) control.checked = control.value === typed[control.name];
    else control.value = typed[control.name];
  }
}

restore();
document.addEventListener("htmx:afterSettle", kept);
for (const name of ["input", "change"]) {
  document.addEventListener(name, ({ target }) => {
    if (target.form && target.form === said()) keep(target.form);
  });
}
