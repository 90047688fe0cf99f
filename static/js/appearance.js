// What this browser remembers of looks: theme, density, a narrow rail. Cookies, so that the server paints it right at once.

const YEAR = 31536000;

function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=${value ? YEAR : 0}; SameSite=Lax${secure}`;
  if (value) document.documentElement.dataset[name] = value;
  else delete document.documentElement.dataset[name];
}

document.addEventListener("change", (event) => {
  const name = event.target.closest("[data-remember]")?.dataset.remember;
  if (name) remember(name, event.target.value);
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-toggle-rail]")) return;
  remember("rail", document.documentElement.dataset.rail ? "" : "narrow");
});
