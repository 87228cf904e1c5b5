// How the page is written to: elements are kept and changed, never made anew.

// Each write to the page goes through here: what does not change is not touched, and tests count what is.
const touched = { writes: 0, made: 0 };

function put(element, values) {
  const kept = (element.kept ??= {});
  for (const [name, value] of Object.entries(values)) {
    if (kept[name] === value) continue;
    kept[name] = value;
    touched.writes++;
    if (name === "text") element.textContent = value;
    else if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value);
  }
  return element;
}

function svg(tag, values = {}, ...children) {
  touched.made++;
  const element = put(document.createElementNS("http://www.w3.org/2000/svg", tag), values);
  element.append(...children);
  return element;
}

function html(tag, values = {}, ...children) {
  touched.made++;
  const element = put(document.createElement(tag), values);
  element.append(...children);
  return element;
}

const byId = (id) => document.getElementById(id);
const layer = (name) => svg("g", { class: name });
const round = (x) => Math.round(x * 10) / 10;
const widthOf = (text, size) => [...text].length * size * 0.6;

function pill(text, height, size, kind) {
  const width = round(widthOf(text, size) + size * 1.3);
  return svg("g", { class: `pill ${kind}` },
    svg("rect", { x: -width / 2, y: -height / 2, width, height, rx: height / 2 }),
    svg("text", { y: round(size * 0.36), "font-size": size, text }));
}
