// What the page says, in the language that was chosen: looked up by name, with {places} filled in.

import { english } from "./words-en.js";
import { chinese } from "./words-zh.js";
import { recall, remember } from "./memory.js";

const TABLES = { en: english, "zh-CN": chinese };

/** The languages by their code, each by its own name. */
export const LANGUAGES = { en: "English", "zh-CN": "中文" };

/** Tells `language` when another one was chosen. */
export const spoken = new EventTarget();

let code = "en";

/** The code of the language that is spoken. */
export function language() {
  return code;
}

/** What numbers and dates are written by: the browser's own kind of the language, if it has one. */
export function locale() {
  return navigator.languages.find((name) => name.toLowerCase().startsWith(code.slice(0, 2))) ?? code;
}

/** Choose the language: what was chosen last, else what the browser prefers. */
export function beginSpeaking() {
  const wanted = recall("language") ?? (navigator.languages ?? [navigator.language]).find((name) => /^(en|zh)/i.test(name));
  use(/^zh/i.test(wanted ?? "") ? "zh-CN" : "en");
}

/** Speak another language from now on. */
export function speak(name) {
  remember("language", name);
  use(name);
  spoken.dispatchEvent(new Event("language"));
}

function use(name) {
  code = name in TABLES ? name : "en";
  document.documentElement.lang = code;
}

/** The words for `name`; a number under `n` chooses between `name` and `name.one`. */
export function t(name, values = {}) {
  const table = TABLES[code];
  const words = (values.n === 1 && table[`${name}.one`]) || table[name] || english[name] || name;
  return words.replace(/\{(\w+)\}/g, (whole, place) => (place in values ? String(values[place]) : whole));
}

/** The words for a name of the API's (`standing`, `fault` ...), or that name itself if we have none. */
export function word(kind, name) {
  return `${kind}.${name}` in english ? t(`${kind}.${name}`) : String(name).replaceAll("_", " ");
}
