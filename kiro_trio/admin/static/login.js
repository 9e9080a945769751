// The way in: the owner's key.

import { logIn } from "./api.js";
import { el } from "./dom.js";
import { field, form } from "./form.js";
import { controls } from "./controls.js";
import { duration } from "./format.js";
import { t } from "./words.js";

/** The view before a session; `entered` is called when one has begun. `why` says what ended the one before. */
export function loginView(entered, why = "") {
  const key = field({ name: "key", label: t("login.key"), kind: "password", hint: t("login.hint"), required: true, autocomplete: "current-password" });
  const user = el("input", { type: "text", name: "username", autocomplete: "username", value: "owner", class: "unseen", tabindex: "-1", "aria-hidden": "true" });
  const enter = el("button", { type: "submit", class: "button primary" }, t("login.enter"));
  const entry = form([key], async (values) => {
    try {
      await logIn(values.key);
    } catch (error) {
      key.input.select();
      throw new Error(explain(error));
    }
    entered();
  }, user, enter);
  entry.problem.textContent = why;
  const node = el("main", { class: "login" }, el("div", { class: "door" }, el("h1", {}, "kiro-trio"), el("p", { class: "soft" }, t("login.about")), entry.node), el("div", { class: "row centre" }, controls()));
  queueMicrotask(() => key.input.focus());
  return node;
}

function explain(error) {
  if (error.status === 401) return t("login.wrong");
  if (error.status === 429) return t("login.slow", { span: duration(error.retryAfter ?? 6, { fine: false }) });
  return error.message;
}
