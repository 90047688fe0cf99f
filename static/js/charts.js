// The charts of a report: each canvas[data-chart] draws what the JSON of that id says. A bar leads to the list behind it.
//
// Colours are read from the page: a series has that of its key, words and lines those of the room they are in. So both
// themes hold here, and changing the theme draws anew.

const { Chart } = globalThis;

// The same words as `lasting` of routing/reports/tables.py
function lasting(minutes) {
  if (minutes < 1) return `${Math.round(minutes * 60)} s`;
  const whole = Math.round(minutes);
  if (whole < 60) return `${whole} min`;
  const [by, units] = whole < 1440 ? [60, ["h", "min"]] : [1440, ["d", "h"]];
  const [large, rest] = [Math.floor(whole / by), whole % by];
  const small = by === 60 ? rest : Math.floor(rest / 60);
  return small ? `${large} ${units[0]} ${small} ${units[1]}` : `${large} ${units[0]}`;
}

// The steps of an axis of minutes that people count in
const STEPS = [0.25, 1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880, 7200, 14400];

function stepOf(series) {
  const most = Math.max(...series.flatMap((one) => one.data));
  return STEPS.find((step) => most / step <= 5);
}

const WORDS = {
  count: (value) => value.toLocaleString("en-US"),
  minutes: lasting,
  percent: (value) => `${value} %`,
};

function draw(canvas) {
  const { unit, stacked, labels, urls, series } = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
  const keys = [...canvas.closest("figure").querySelectorAll(".chart-keys .dot")];
  const colours = keys.map((key) => getComputedStyle(key).backgroundColor);
  const { color, borderTopColor: line, fontFamily: family } = getComputedStyle(canvas.parentElement);
  const words = WORDS[unit];
  const steps = unit === "minutes" ? { stepSize: stepOf(series) } : { precision: 0 };
  const ticks = { color, font: { family, size: 12 } };
  const bars = { maxBarThickness: 18, borderRadius: 2 };
  return new Chart(canvas, {
    type: "bar",
    data: {
      labels,
      datasets: series.map((one, at) => ({
        ...one,
        ...bars,
        backgroundColor: colours[at],
        hoverBackgroundColor: colours[at],
      })),
    },
    options: {
      indexAxis: "y",
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", axis: "y", intersect: false },
      scales: {
        x: {
          stacked,
          beginAtZero: true,
          ticks: { ...ticks, callback: words, maxTicksLimit: 6, maxRotation: 0, ...steps },
          grid: { color: line },
          border: { color: line },
        },
        y: { stacked, ticks: { ...ticks, autoSkip: false }, grid: { display: false }, border: { color: line } },
      },
      plugins: {
        colors: { enabled: false },
        legend: { display: false },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${words(item.raw)}` } },
      },
      onHover: (event, [bar]) => {
        canvas.style.cursor = bar && urls[bar.index] ? "pointer" : "";
      },
      onClick: (event, [bar]) => {
        if (bar && urls[bar.index]) location.assign(urls[bar.index]);
      },
    },
  });
}

let charts = [];

function drawAll() {
  charts.forEach((chart) => chart.destroy());
  charts = [...document.querySelectorAll("canvas[data-chart]")].map(draw);
}

drawAll();
document.addEventListener("htmx:afterSettle", ({ target }) => target.querySelector("canvas[data-chart]") && drawAll());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
