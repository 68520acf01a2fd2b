"use strict";
// A member that is pointed at in one chart stands out in all of them: its lines share a legendgroup.
(() => {
  const places = [...document.querySelectorAll(".chart")].filter((place) => place.on);
  const own = new Map();
  const opacities = (place, group) => own.get(place).map((opacity, index) => {
    const line = place.data[index].legendgroup;
    if (!group || !line || !line.startsWith("member ")) return opacity;
    return line === group ? 1 : 0.12;
  });
  const show = (group) => {
    for (const place of places) {
      if (place.data.some((line) => (line.legendgroup || "").startsWith("member "))) {
        Plotly.restyle(place, { opacity: opacities(place, group) });
      }
    }
  };
  for (const place of places) {
    own.set(place, place.data.map((line) => line.opacity ?? 1));
    place.on("plotly_hover", (event) => {
      const group = event.points[0].data.legendgroup;
      if (group && group.startsWith("member ")) show(group);
    });
    place.on("plotly_unhover", () => show(""));
  }
})();
