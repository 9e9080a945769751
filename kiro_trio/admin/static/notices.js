// Short sentences about what was done, in a corner; said aloud too. What went wrong stays until it is put away.

import { el } from "./dom.js";
import { signButton } from "./parts.js";
import { t } from "./words.js";

const STAYS = 5000;
const MOST = 4;

const polite = el("div", { class: "notices", role: "status", "aria-live": "polite" });
const alarms = el("div", { class: "notices", role: "alert" });
const corner = el("div", { class: "corner" }, alarms, polite);

/** The corner in which notices appear; a dialog that is open takes it along, or they would be behind it. */
export function placeNotices(parent = document.querySelector("dialog[open]:last-of-type") ?? document.body) {
  if (corner.parentNode !== parent) parent.append(corner);
}

/** Say that something was done. */
export function tell(words) {
  const note = put(polite, words, "ok");
  setTimeout(() => note.remove(), STAYS);
}

/** Say that something was not done. */
export function warn(error) {
  put(alarms, error.message ?? String(error), "bad");
}

/** Do something, and say what became of it; returns whether it was done. */
export async function report(act, words) {
  try {
    const answer = await act();
    const said = typeof words === "function" ? words(answer) : words;
    if (said) tell(said);
    return true;
  } catch (error) {
    warn(error);
    return false;
  }
}

function put(where, words, tone) {
  placeNotices();
  const note = el("div", { class: `notice ${tone}` }, el("p", {}, words), signButton("close", t("dismiss"), () => note.remove(), { kind: "quiet" }));
  where.append(note);
  while (where.children.length > MOST) where.firstChild.remove();
  return note;
}
