// Dialogs: the browser's own, which keep the focus inside and give it back.

import { el } from "./dom.js";
import { placeNotices } from "./notices.js";
import { button, signButton } from "./parts.js";
import { t } from "./words.js";

/** What has the focus first: the first field, if there are any, and not the button that shuts the dialog. */
const FIRST = ":is(input, select, textarea):not(:disabled, .unseen, [readonly])";

let numbered = 0;

/** Open a dialog. Returns `{node, body, foot, close}`; `closed` is called once it is shut, however that came about. */
export function openDialog(title, { wide = false, closed = () => null } = {}) {
  const name = `dialog-${(numbered += 1)}`;
  const body = el("div", { class: "body" });
  const foot = el("footer", { class: "row end" });
  const node = el(
    "dialog",
    { class: wide ? "wide" : "", "aria-labelledby": name },
    el("header", {}, el("h2", { id: name }, title), signButton("close", t("close"), () => node.close(), { kind: "quiet" })),
    body,
    foot,
  );
  node.addEventListener("close", () => {
    placeNotices(document.body);
    node.remove();
    placeNotices();
    closed();
  });
  document.body.append(node);
  node.showModal();
  placeNotices(node);
  queueMicrotask(() => body.querySelector(FIRST)?.focus());
  return { node, body, foot, close: () => node.close() };
}

/** Ask whether something shall be done; resolves to true or false. */
export function confirm(title, text, action, { kind = "danger" } = {}) {
  return new Promise((resolve) => {
    let answer = false;
    const dialog = openDialog(title, { closed: () => resolve(answer) });
    const yes = () => {
      answer = true;
      dialog.close();
    };
    dialog.body.append(el("p", {}, text));
    dialog.foot.append(button(t("no"), dialog.close), button(action, yes, { kind }));
    dialog.foot.firstChild.focus();
  });
}

/** Shut every dialog, as after logging out. */
export function closeDialogs() {
  for (const node of document.querySelectorAll("dialog[open]")) node.close();
}
