"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const shown = {};

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const channels = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
  const between = (name, place) => {
    const stops = css(name).split(/\s+/).map(channels);
    const at = Math.min(Math.max(place, 0), 1) * (stops.length - 1);
    const left = Math.min(Math.floor(at), stops.length - 2);
    return "rgb(" + stops[left].map((c, i) => Math.round(c + (at - left) * (stops[left + 1][i] - c))) + ")";
  };
  const colour = (token) => {
    if (typeof token !== "string" || token[0] !== "@") return token;
    const [name, place] = token.slice(1).split(":");
    return place === undefined ? css(name) : between(name, Number(place));
  };
  const painted = (node, key) => {
    if (Array.isArray(node)) return node.map((item) => painted(item, key));
    if (node && typeof node === "object") {
      return Object.fromEntries(Object.entries(node).map(([name, item]) => [name, painted(item, name)]));
    }
    return /color$/i.test(key) ? colour(node) : node;
  };

  const axis = () => ({
    gridcolor: css("grid"), linecolor: css("edge"), tickcolor: css("edge"), showline: true, ticks: "outside",
    ticklen: 4, zeroline: false, automargin: true, title: { standoff: 10, font: { size: 13 } },
  });
  const merged = (base, over) => {
    const out = { ...base };
    for (const [key, item] of Object.entries(over)) {
      out[key] = item && typeof item === "object" && !Array.isArray(item) ? merged(base[key] || {}, item) : item;
    }
    return out;
  };
  const layout = (chart, width) => {
    const narrow = width < 560;
    const base = {
      autosize: true, height: chart.height, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: narrow ? 11 : 13, color: css("ink") },
      margin: { l: 10, r: narrow ? 6 : 16, t: 40, b: 44 }, hovermode: "closest",
      hoverlabel: { bgcolor: css("paper"), bordercolor: css("edge"), font: { color: css("ink") } },
      legend: { orientation: "h", x: 0, y: -0.16, yanchor: "top", font: { size: 12 } },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    };
    const out = merged(base, painted(chart.layout, ""));
    for (const name of Object.keys(out)) if (/^[xy]axis/.test(name)) out[name] = merged(axis(), out[name]);
    if (chart.tall_legend && !narrow) Object.assign(out.legend, { orientation: "v", x: 1.01, y: 1 });
    if (chart.tall_legend && narrow) out.height += 150;
    if (narrow) for (const note of out.annotations || []) note.font.size = 12;
    return out;
  };
  const draw = (name, printing) => {
    const chart = charts[name], place = document.getElementById("chart-" + name);
    if (!place) return undefined;
    const state = (shown[name] = shown[name] || { scale: chart.scale || "linear", stage: chart.stages ? chart.stages.length - 1 : null });
    const data = painted(chart.data, "");
    if (state.stage !== null) for (const line of data) if (line.meta !== undefined) line.visible = line.meta === state.stage;
    const width = printing ? 660 : place.clientWidth, look = layout(chart, width);
    if (printing) Object.assign(look, { width, autosize: false });
    if (state.stage !== null) {
      const named = new Set();
      for (const line of data) if (line.visible) { line.showlegend = !named.has(line.legendgroup); named.add(line.legendgroup); }
    }
    if (chart.scales) for (const [path, item] of Object.entries(chart.scales[state.scale])) {
      const [outer, inner] = path.split(".");
      look[outer][inner] = item;
    }
    return Plotly.react(place, data, look, {
      displaylogo: false, responsive: true, displayModeBar: false,
    });
  };

  const pressed = (group, button) => {
    for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
  };
  const choice = (name, key, items) => {
    const place = document.querySelector('.switches[data-for="' + name + '"]');
    if (!place || items.length < 2) return;
    const group = document.createElement("div");
    group.className = "switch";
    for (const [text, item] of items) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => { shown[name][key] = item; pressed(group, button); draw(name); });
      group.append(button);
      if (shown[name][key] === item) pressed(group, button);
    }
    place.append(group);
  };

  const copied = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
  const sorted = (heading) => {
    const table = heading.closest("table"), body = table.tBodies[0], column = heading.cellIndex;
    const up = heading.getAttribute("aria-sort") !== "ascending";
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)], [m, n] = [Number(x), Number(y)];
      if (Number.isNaN(m) || Number.isNaN(n)) return Number.isNaN(m) - Number.isNaN(n) || x.localeCompare(y);
      return up ? m - n : n - m;
    };
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...[...body.rows].sort(order));
  };

  const all = (printing) => { for (const name of Object.keys(charts)) draw(name, printing); };
  all(false);
  for (const [name, chart] of Object.entries(charts)) {
    if (!shown[name]) continue;
    if (chart.stages) choice(name, "stage", chart.stages.map((text, number) => [text, number]));
    if (chart.scales) choice(name, "scale", [["linear", "linear"], ["log", "log"]]);
  }
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copied(button));
  }
  for (const heading of document.querySelectorAll(".sortable th")) heading.addEventListener("click", () => sorted(heading));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => all(false));
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing");
    for (const details of document.querySelectorAll("details")) details.open = true;
    all(true);
  });
  addEventListener("afterprint", () => { document.documentElement.classList.remove("printing"); all(false); });
})();
