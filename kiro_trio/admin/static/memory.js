// What the browser remembers of the page: choices, never a key or an account.

const PREFIX = "kiro-trio.";

/** What was remembered under a name, else null. */
export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Remember a choice, if the browser lets us. */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // private windows may have no storage
  }
}

/** Remember it no more. */
export function forget(name) {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // then it was not remembered either
  }
}
