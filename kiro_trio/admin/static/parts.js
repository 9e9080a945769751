// Small parts that several views have: buttons, chips, states without content.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/** A button with words. `kind`: primary, danger, quiet or nothing. */
export function button(words, act, { kind = "", sign = null, ...props } = {}) {
  const node = el("button", { type: "button", class: `button ${kind}`, ...props }, sign && icon(sign), el("span", {}, words));
  node.addEventListener("click", () => busy(node, act));
  return node;
}

/** A button with a sign only; its words are its name and its tip. */
export function signButton(sign, words, act, { kind = "", ...props } = {}) {
  const node = el("button", { type: "button", class: `sign ${kind}`, title: words, "aria-label": words, ...props }, icon(sign));
  node.addEventListener("click", () => busy(node, act));
  return node;
}

/** Let a button rest while what it does is being done. */
export async function busy(node, act) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    node.removeAttribute("aria-busy");
  }
}

/** A short word about a state. `tone`: ok, warn, bad, off or accent. */
export function chip(words, tone = "off") {
  return el("span", { class: `chip ${tone}` }, words);
}

/** What stands where there is nothing: what this is, and what to do about it. */
export function nothing(title, text, ...actions) {
  return el("div", { class: "nothing" }, el("h2", {}, title), el("p", {}, text), actions.length ? el("div", { class: "row centre" }, actions) : null);
}

/** What stands where something could not be had, with another try. */
export function trouble(error, again) {
  return el(
    "div",
    { class: "nothing trouble", role: "alert" },
    el("h2", {}, t("error.title")),
    el("p", {}, error.message),
    el("div", { class: "row centre" }, button(t("again"), again)),
  );
}

/** A row of choices of which one holds. `choices`: [value, words] pairs. Returns `{node, choose}`. */
export function choices(label, pairs, chosen, act) {
  const name = `choice-${label}-${Math.random().toString(36).slice(2)}`;
  const inputs = pairs.map(([value]) => el("input", { type: "radio", name, value, checked: value === chosen, on: { change: () => act(value) } }));
  const node = el(
    "fieldset",
    { class: "choices" },
    el("legend", { class: "unseen" }, label),
    pairs.map(([, words], place) => el("label", {}, inputs[place], el("span", {}, words))),
  );
  return { node, choose: (value) => inputs.forEach((input) => (input.checked = input.value === value)) };
}

/** A heading of a view, with what can be done there. */
export function heading(title, note, ...actions) {
  return el(
    "header",
    { class: "heading" },
    el("div", {}, el("h1", { tabindex: "-1" }, title), note),
    el("div", { class: "row" }, actions),
  );
}

/** Put a text where it can be pasted from. `field` holds it already, for browsers that lend no clipboard here. */
export async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.select();
    document.execCommand("copy");
  }
}

/** A value that is there to be copied. */
export function copyable(label, value) {
  const field = el("input", { type: "text", readOnly: true, value, "aria-label": label, class: "code", on: { focus: () => field.select() } });
  const done = el("span", { class: "unseen", role: "status" });
  const act = button(t("copy"), async () => {
    await copy(field);
    done.textContent = t("copied");
    act.lastChild.textContent = t("copied");
    setTimeout(() => (act.lastChild.textContent = t("copy")), 2000);
  }, { sign: "copy" });
  return el("div", { class: "copyable" }, field, act, done);
}
