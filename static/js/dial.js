// "Call": a[data-dial] hands the number to this device's phone, then goes on to the lead's page, where the call is logged.

const MOMENT = 300; // leaving at once would take the hand-over back

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dial]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  location.href = `tel:${link.dataset.dial}`;
  setTimeout(() => location.assign(link.href), MOMENT);
});
