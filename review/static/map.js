// Draws the homes of the page's table. Without tiles: nothing is asked of any other host.
import * as maplibregl from "/static/vendor/maplibre-gl.mjs";

const SIZE = 44;
const SHAPES = {
  top: { colour: "#1b4d5c", draw: (c) => c.rect(8, 8, 28, 28), scale: 0.5 },
  high: { colour: "#b3460f", draw: (c) => { c.moveTo(22, 6); c.lineTo(38, 36); c.lineTo(6, 36); c.closePath(); }, scale: 0.5 },
  next: { colour: "#5b3a8c", draw: (c) => c.arc(22, 22, 14, 0, 2 * Math.PI), scale: 0.4 },
  reserve: { colour: "#484949", ring: true, draw: (c) => c.arc(22, 22, 12, 0, 2 * Math.PI), scale: 0.3 },
};

function picture({ colour, draw, ring }) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d");
  context.beginPath();
  draw(context);
  context.lineWidth = ring ? 6 : 4;
  context.strokeStyle = ring ? colour : "#ffffff";
  if (!ring) { context.fillStyle = colour; context.fill(); }
  context.stroke();
  return context.getImageData(0, 0, SIZE, SIZE);
}

// The outline of each ward's homes (monotone chain), so that the eye has something to hold on to.
function hull(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const turn = (o, a, b) => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  const half = (list) => list.reduce((kept, point) => {
    while (kept.length > 1 && turn(kept.at(-2), kept.at(-1), point) <= 0) kept.pop();
    kept.push(point);
    return kept;
  }, []);
  const lower = half(sorted), upper = half(sorted.reverse());
  return [...lower.slice(0, -1), ...upper.slice(0, -1), lower[0]];
}

function wards(features) {
  const byWard = Map.groupBy(features, (feature) => feature.properties.ward);
  return [...byWard].filter(([ward, own]) => ward && own.length > 2).map(([ward, own]) => ({
    type: "Feature",
    properties: { ward },
    geometry: { type: "Polygon", coordinates: [hull(own.map((feature) => feature.geometry.coordinates))] },
  }));
}

function popup(properties) {
  const box = document.createElement("div");
  const link = document.createElement("a");
  link.href = properties.href;
  link.textContent = properties.address;
  link.className = "govuk-link";
  const place = document.createElement("p");
  place.textContent = `Place ${properties.rank}, ${properties.ward || "ward not known"}`;
  box.append(link, place);
  return box;
}

async function show(element) {
  const answer = await fetch(element.dataset.points);
  if (!answer.ok) return;
  const points = await answer.json();
  if (!points.features.length) return;
  element.hidden = false;
  const bounds = new maplibregl.LngLatBounds();
  points.features.forEach((feature) => bounds.extend(feature.geometry.coordinates));
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = new maplibregl.Map({
    container: element,
    style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": "#f4f8fb" } }] },
    bounds, fitBoundsOptions: { padding: 40 }, attributionControl: false, fadeDuration: calm ? 0 : 200,
  });
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }));
  map.addControl(new maplibregl.ScaleControl({ unit: "metric" }));
  map.on("load", () => {
    Object.entries(SHAPES).forEach(([name, shape]) => map.addImage(name, picture(shape)));
    map.addSource("wards", { type: "geojson", data: { type: "FeatureCollection", features: wards(points.features) } });
    map.addLayer({ id: "wards", type: "fill", source: "wards", paint: { "fill-color": "#1b4d5c", "fill-opacity": 0.06 } });
    map.addLayer({ id: "edges", type: "line", source: "wards", paint: { "line-color": "#1b4d5c", "line-opacity": 0.35, "line-dasharray": [3, 2] } });
    map.addSource("homes", { type: "geojson", data: points });
    map.addLayer({
      id: "homes", type: "symbol", source: "homes",
      layout: {
        "icon-image": ["get", "band"], "icon-allow-overlap": true, "symbol-sort-key": ["-", 0, ["get", "rank"]],
        "icon-size": ["match", ["get", "band"], ...Object.entries(SHAPES).flatMap(([name, shape]) => [name, shape.scale]), 0.3],
      },
    });
    map.on("click", "homes", (event) => {
      const feature = event.features[0];
      new maplibregl.Popup({ maxWidth: "280px" }).setLngLat(feature.geometry.coordinates).setDOMContent(popup(feature.properties)).addTo(map);
    });
    map.on("mouseenter", "homes", () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", "homes", () => { map.getCanvas().style.cursor = ""; });
    element.dataset.ready = "yes";
  });
}

document.querySelectorAll("#map").forEach(show);
