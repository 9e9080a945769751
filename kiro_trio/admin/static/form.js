// Forms out of rows: what is asked, and what was answered.

import { el } from "./dom.js";

let numbered = 0;

/**
 * A field. `kind`: text, password, number, select, area or check; `hint` says more below it. Further properties are the
 * input's own.
 */
export function field({ name, label, hint = "", kind = "text", options = [], ...props }) {
  const id = `field-${(numbered += 1)}`;
  const about = hint ? `${id}-hint` : null;
  const input = makeInput(kind, options, { id, name, "aria-describedby": about, autocomplete: "off", ...props });
  const words = el("label", { for: id }, label);
  const below = hint ? el("p", { class: "hint", id: about }, hint) : null;
  const inner = kind === "check" ? [el("div", { class: "check" }, input, words), below] : [words, input, below];
  return { name, kind, input, node: el("div", { class: "field" }, inner) };
}

function makeInput(kind, options, props) {
  if (kind === "area") return el("textarea", { rows: "5", spellcheck: "false", ...props });
  if (kind === "select") return select(options, props);
  if (kind === "check") return el("input", { type: "checkbox", ...props });
  return el("input", { type: kind, spellcheck: "false", ...props });
}

function select(options, { value, ...props }) {
  const node = el("select", props, options.map(([name, words]) => el("option", { value: name }, words)));
  node.value = value ?? options[0][0];
  return node;
}

/** What stands in a field: true or false, a number or null, or trimmed text. */
export function valueOf({ kind, input }) {
  if (kind === "check") return input.checked;
  if (kind === "number") return input.value === "" ? null : Number(input.value);
  return input.value.trim();
}

/**
 * A form of fields. `act(values)` is called with what stands in the fields that are shown; if it throws, the message
 * stands above them. Returns `{node, fields, problem, submit}`.
 */
export function form(fields, act, ...more) {
  const problem = el("p", { class: "problem", role: "alert" });
  const node = el("form", { id: `form-${(numbered += 1)}` }, problem, fields.map((one) => one.node), more);
  async function submit() {
    problem.textContent = "";
    const shown = fields.filter((one) => !one.node.closest("[hidden]"));
    try {
      await act(Object.fromEntries(shown.map((one) => [one.name, valueOf(one)])));
    } catch (error) {
      problem.textContent = error.message;
      problem.scrollIntoView({ block: "nearest" });
    }
  }
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    const sent = event.submitter;
    sent?.setAttribute("aria-busy", "true");
    submit().finally(() => sent?.removeAttribute("aria-busy"));
  });
  return { node, fields, problem, submit };
}

/** The button that sends a form from wherever it stands. */
export function sender(of, words, kind = "primary") {
  return el("button", { type: "submit", form: of.node.id, class: `button ${kind}` }, el("span", {}, words));
}

/** Only what was given: neither empty text nor nothing. */
export function given(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "" && value !== null));
}

/** Fields that few need, folded away. */
export function folded(words, fields) {
  return el("details", { class: "more" }, el("summary", {}, words), el("div", { class: "fields" }, fields.map((one) => one.node)));
}
