// The few signs of the page, drawn with lines in the colour of the text around them.

import { svg } from "./dom.js";

const PATHS = {
  accounts: ["M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z", "M2 21v-1a6 6 0 0 1 6-6h2a6 6 0 0 1 6 6v1", "M16 3.5a4 4 0 0 1 0 7", "M22 21v-1a6 6 0 0 0-4-5.6"],
  live: ["M2 12h4l3-8 5 16 3-8h5"],
  usage: ["M4 20V11", "M10 20V4", "M16 20v-6", "M21 20H3"],
  requests: ["M8 6h13", "M8 12h13", "M8 18h13", "M3.5 6h.01", "M3.5 12h.01", "M3.5 18h.01"],
  keys: ["M15 9a5 5 0 1 0-4.6 5L12 15.5h2v2h2v2h4v-3.5l-5.3-5.3A5 5 0 0 0 15 9Z", "M9 8.5h.01"],
  settings: ["M4 7h9", "M19 7h1", "M4 17h3", "M13 17h7", "M16 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z", "M10 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z"],
  system: ["M3 5h18v11H3Z", "M9 20h6", "M12 16v4"],
  light: ["M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z", "M12 2v2", "M12 20v2", "M4.9 4.9l1.4 1.4", "M17.7 17.7l1.4 1.4", "M2 12h2", "M20 12h2", "M4.9 19.1l1.4-1.4", "M17.7 6.3l1.4-1.4"],
  dark: ["M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z"],
  out: ["M10 4H5v16h5", "M15 8l4 4-4 4", "M19 12H9"],
  edit: ["M4 20h4L19 9l-4-4L4 16Z", "M13 7l4 4"],
  renew: ["M20 11a8 8 0 0 0-14.5-3.5L4 9", "M4 4v5h5", "M4 13a8 8 0 0 0 14.5 3.5L20 15", "M20 20v-5h-5"],
  balance: ["M3 6h18v12H3Z", "M12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z", "M6.5 12h.01", "M17.5 12h.01"],
  reset: ["M4 4v6h6", "M5 10a8 8 0 1 1-1 5"],
  remove: ["M4 7h16", "M9 7V4h6v3", "M6 7l1 13h10l1-13", "M10 11v5", "M14 11v5"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  search: ["M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z", "M15.5 15.5L21 21"],
  drop: ["M12 3v12", "M7 10l5 5 5-5", "M4 20h16"],
  copy: ["M9 9h11v11H9Z", "M5 15H4V4h11v1"],
  next: ["M9 5l7 7-7 7"],
};

/** A sign; it says nothing to those who cannot see it, so that words must stand beside it or name its button. */
export function icon(name) {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" },
    PATHS[name].map((d) => svg("path", { d })),
  );
}
