// "Call" leads to the lead's page, where the call is logged. On a phone, a[data-dial] first hands the number to the
// dialler, and goes on when the person comes back to the page.

const MOMENT = 1000;
const onPhone = matchMedia("(pointer: coarse)");

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dial]");
  if (!link || !onPhone.matches) return;
  event.preventDefault();
  location.href = `tel:${link.dataset.dial}`;
  const goOn = () => location.assign(link.href);
  setTimeout(() => (document.hasFocus() ? goOn() : addEventListener("focus", goOn, { once: true })), MOMENT);
});
