// What a page gains with JavaScript: moments in the reader's zone, a menu that is folded on a phone, live pages, charts.
// Nothing here is needed for reading.
"use strict";

const shown = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) {
      time.title = time.title || time.textContent;
      time.textContent = shown.format(at);
    }
  }
}

// <div data-live="ADDRESS">: each message replaces its text part by part (data-live-part="name"); "end" loads the page anew, or
// another one (data-live-go="ADDRESS"), unless somebody is about to write something. A stream that is refused (too many of them) is
// asked for again a little later.
function follow(place) {
  const stream = new EventSource(place.dataset.live);
  stream.onmessage = (event) => {
    const said = JSON.parse(event.data);
    for (const part of place.querySelectorAll("[data-live-part]")) {
      const value = said[part.dataset.livePart];
      if (value === undefined || value === null) continue;
      if (part.tagName === "PROGRESS") part.value = value; else part.textContent = value;
    }
  };
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) setTimeout(() => follow(place), 15000); };
  stream.addEventListener("end", () => {
    stream.close();
    if (document.activeElement.matches("input, textarea, select")) return;
    if (place.dataset.liveGo) location.assign(place.dataset.liveGo); else location.reload();
  });
}

function listen(root) { for (const place of root.querySelectorAll("[data-live]")) follow(place); }

// <div class="chart" data-chart='{"labels": […seconds], "series": [{"label": …, "values": […]}]}'> beside a table that says the same.
function draw(root) {
  if (!window.uPlot) return;
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => { const probe = document.createElement("i"); probe.style.color = style.getPropertyValue(name); document.body.append(probe);
    const found = getComputedStyle(probe).color; probe.remove(); return found; };
  for (const place of root.querySelectorAll("[data-chart]")) {
    const said = JSON.parse(place.dataset.chart);
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const paints = ["--accent", "--good", "--warn", "--bad"].map(colour);
    const chart = new uPlot({
      width: place.clientWidth, height: 220, axes: [axis, axis], legend: { live: false }, cursor: { drag: { x: false, y: false } },
      series: [{}, ...said.series.map((one, n) => ({ label: one.label, stroke: paints[n % 4], width: 2, points: { show: said.labels.length < 30 } }))],
    }, [said.labels, ...said.series.map((one) => one.values)], place);
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 220 })).observe(place);
  }
}

function ready(root) { localise(root); listen(root); draw(root); }

const menu = document.querySelector(".menu");
if (menu && matchMedia("(max-width: 52rem)").matches) menu.open = false;
ready(document);
document.addEventListener("htmx:afterSwap", (event) => ready(event.target));

// A tick in <input data-all="name"> ticks all boxes of that name.
document.addEventListener("change", (event) => {
  const name = event.target.dataset && event.target.dataset.all;
  if (name) for (const box of document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(name)}"]`)) box.checked = event.target.checked;
});
