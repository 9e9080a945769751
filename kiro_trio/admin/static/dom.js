// Elements out of names and values. Text goes in as text: nothing here, or anywhere else, reads markup.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "open", "hidden", "indeterminate", "readOnly"]);

/** An HTML element. `props`: class, on: {event: handler}, data: {name: value}, properties and attributes. */
export function el(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element. */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false).map(text));
  for (const [name, value] of Object.entries(props)) set(node, name, value);
  return node;
}

function text(child) {
  return child instanceof Node ? child : String(child);
}

function set(node, name, value) {
  if (value === null || value === undefined) return;
  if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
  else if (name === "data") Object.assign(node.dataset, value);
  else if (PROPERTIES.has(name)) node[name] = value;
  else if (value !== false) attribute(node, name, value === true ? "" : String(value));
}

function attribute(node, name, value) {
  if (name.startsWith("on") || name === "style" || name === "srcdoc") throw new Error(`not as an attribute: ${name}`);
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** Change an attribute, only if it is another; null takes it away. */
export function mark(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else attribute(node, name, value === true ? "" : String(value));
}

/** Put text into a node, only if it is another one: what did not change is not drawn again. */
export function say(node, value) {
  const words = value === null || value === undefined ? "" : String(value);
  if (node.textContent !== words) node.textContent = words;
}

/** A link to an address that came from elsewhere; null if it is not one that a browser should open. */
export function outside(address, ...children) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer", class: "button primary" }, ...children);
}

const rows = new WeakMap();

/**
 * Let `parent` hold one part per item, in their order. A part is `{node, update(item)}`, made by `make` for a new key;
 * parts of keys that stay are kept, so that focus and scroll stay too.
 */
export function keyed(parent, items, key, make) {
  const before = rows.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) after.set(key(item), before.get(key(item)) ?? make(item));
  for (const [name, part] of before) if (!after.has(name)) part.node.remove();
  let place = 0;
  for (const item of items) {
    const part = after.get(key(item));
    part.update(item);
    if (parent.children[place] !== part.node) parent.insertBefore(part.node, parent.children[place] ?? null);
    place += 1;
  }
  rows.set(parent, after);
  return after;
}
