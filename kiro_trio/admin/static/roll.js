// The accounts as they were last listed, for every view that names one.

import { get } from "./api.js";
import { nameOf } from "./standings.js";

let list = null;
let asking = null;

/** The last list: `{total, available, currentId, credentials}`, null before the first. */
export function roll() {
  return list;
}

/** Ask for the list anew. */
export async function readRoll() {
  asking ??= get("/credentials").finally(() => (asking = null));
  list = await asking;
  return list;
}

/** What to call the account with this id. */
export function accountName(id) {
  const found = list?.credentials.find((account) => account.id === id);
  return found ? nameOf(found) : `#${id}`;
}
