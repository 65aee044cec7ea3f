// The elements of the page: found, made, filled, put in order.
// What is in them is the other files'.

export const at = (id) => document.getElementById(id);

export function say(id, text) {
  const place = at(id);
  if (place.textContent !== text) place.textContent = text;
}

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Has `parent` hold these, in this order. Those that are gone go first: what stays need not be moved then, and keeps the focus. */
export function arrange(parent, children) {
  const staying = new Set(children);
  for (const child of [...parent.children]) if (!staying.has(child)) child.remove();
  for (const [place, child] of children.entries()) {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  }
}
