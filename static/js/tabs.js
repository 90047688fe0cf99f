// Where a row of tabs is wider than the page, the tab one is on comes into sight.

for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const row = tab.closest(".tabs");
  const [here, all] = [tab.getBoundingClientRect(), row.getBoundingClientRect()];
  row.scrollLeft += here.left - all.left - (all.width - here.width) / 2;
}
