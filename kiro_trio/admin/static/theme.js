// Light, dark, or as the system has it.

import { recall, remember } from "./memory.js";

export const THEMES = ["system", "light", "dark"];

/** The theme that was chosen. */
export function theme() {
  return THEMES.includes(recall("theme")) ? recall("theme") : "system";
}

/** Show a theme from now on. */
export function setTheme(name) {
  remember("theme", name);
  showTheme();
}

/** Put the chosen theme onto the page. */
export function showTheme() {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
