"use strict";
// A contender that is pointed at stands out in all charts, and one that is hidden is hidden in all of them.
(() => {
  const places = [...document.querySelectorAll(".chart")].filter((place) => place.on);
  const ours = (group) => (group || "").startsWith("contender ");
  const hidden = new Set();
  const own = (line) => (line.opacity === undefined ? 1 : line.opacity);
  const before = new Map(places.map((place) => [place, place.data.map(own)]));
  const show = (group) => {
    for (const place of places) {
      if (!place.data.some((line) => ours(line.legendgroup))) continue;
      const opacity = before.get(place).map((value, index) => {
        const line = place.data[index];
        return !group || !ours(line.legendgroup) || line.legendgroup === group ? value : 0.12;
      });
      Plotly.restyle(place, { opacity });
    }
  };
  const hide = () => {
    for (const place of places) {
      const lines = place.data.map((line, index) => [line, index]).filter(([line]) => ours(line.legendgroup) && line.visible !== false);
      if (lines.length) Plotly.restyle(place, { visible: lines.map(([line]) => (hidden.has(line.legendgroup) ? "legendonly" : true)) }, lines.map(([, index]) => index));
    }
  };
  for (const place of places) {
    place.on("plotly_hover", (event) => {
      const group = event.points[0].data.legendgroup;
      if (ours(group)) show(group);
    });
    place.on("plotly_unhover", () => show(""));
    place.on("plotly_legendclick", (event) => {
      const group = event.data[event.curveNumber].legendgroup;
      if (!ours(group)) return true;
      if (!hidden.delete(group)) hidden.add(group);
      hide();
      return false;
    });
  }
})();
