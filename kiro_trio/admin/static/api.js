// The way to the owner's API: the session's cookie goes by itself, its token with every change.

import { forget, recall, remember } from "./memory.js";
import { t } from "./words.js";

const BASE = "/api/admin";
let token = "";

/** Tells `ended` when the session is over. */
export const session = new EventTarget();

/** What the API refused. `status` is 0 when the gateway could not be reached. */
export class Refused extends Error {
  constructor(status, type, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.type = type;
    this.retryAfter = retryAfter;
  }
}

/** Ask the API; `body` goes as JSON. Resolves to the answer, rejects with `Refused`. */
export async function ask(method, path, body) {
  const headers = { accept: "application/json" };
  if (method !== "GET") headers["x-csrf-token"] = token;
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(BASE + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refused(0, "unreachable", t("error.unreachable"));
  }
  return answer.ok ? await read(answer) : refuse(answer, path);
}

async function read(answer) {
  try {
    return await answer.json();
  } catch {
    throw new Refused(answer.status, "unreadable", t("error.unreadable"));
  }
}

async function refuse(answer, path) {
  let error = {};
  try {
    error = (await answer.json()).error ?? {};
  } catch {
    // a proxy's own page: the status has to do
  }
  if (answer.status === 401 && path !== "/session") await checkSession();
  const message = error.message ?? t("error.status", { status: answer.status });
  throw new Refused(answer.status, error.type ?? "", message, Number(answer.headers.get("retry-after")) || null);
}

/** A 401 may speak of a key in the body: only if the cookie opens nothing any more is the session over. */
async function checkSession() {
  const answer = await fetch(`${BASE}/session`).catch(() => null);
  if (answer?.status === 401) session.dispatchEvent(new Event("ended"));
}

/** Read something; `query` leaves out what is empty. */
export function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return ask("GET", given.length ? `${path}?${new URLSearchParams(given)}` : path);
}

/** Take up the session that the browser still has; false if there is none. Who never logged in is not asked. */
export async function resume() {
  if (!recall("session")) return false;
  try {
    token = (await get("/session")).csrfToken;
    return true;
  } catch (error) {
    if (error.status !== 401 && error.status !== 404) throw error;
    forget("session");
    return false;
  }
}

/** Begin a session. */
export async function logIn(key) {
  token = (await ask("POST", "/session", { adminApiKey: key })).csrfToken;
  remember("session", "open");
}

/** End the session, here and there. */
export async function logOut() {
  try {
    await ask("DELETE", "/session");
  } finally {
    token = "";
    forget("session");
  }
}
