// Language and theme.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { setTheme, theme, THEMES } from "./theme.js";
import { language, LANGUAGES, speak, t } from "./words.js";

/** The two controls that every state of the page has. */
export function controls() {
  const tongue = el(
    "select",
    { class: "language", "aria-label": t("language"), on: { change: () => speak(tongue.value) } },
    Object.entries(LANGUAGES).map(([code, name]) => el("option", { value: code, lang: code }, name)),
  );
  tongue.value = language();
  return [tongue, themeButton()];
}

/** One button that goes through the themes; its name says which one holds. */
function themeButton() {
  const node = el("button", { type: "button", class: "sign quiet theme" });
  function show() {
    const words = t(`theme.${theme()}`);
    node.replaceChildren(icon(theme()));
    node.setAttribute("aria-label", words);
    node.title = words;
  }
  node.addEventListener("click", () => {
    setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
    show();
  });
  show();
  return node;
}
