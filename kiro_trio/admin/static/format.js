// Numbers, durations and moments as people read them.

import { locale, t } from "./words.js";

/** A whole number, with separators. */
export function count(value) {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: 0 }).format(value);
}

/** A number in few characters: 1.2M. */
export function brief(value) {
  return new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** Credits: two digits behind the point at most. */
export function credits(value) {
  return value === null ? "–" : new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(value);
}

/** A share of one as percent. */
export function percent(part) {
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 }).format(part);
}

const SIZES = ["B", "kB", "MB", "GB"];

/** A number of bytes. */
export function bytes(value) {
  const step = Math.min(SIZES.length - 1, value < 1000 ? 0 : Math.floor(Math.log10(value) / 3));
  const digits = step === 0 ? 0 : 1;
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value / 1000 ** step)} ${SIZES[step]}`;
}

/** How long something takes, in its two largest units; with less detail unless it is `fine`. */
export function duration(seconds, { fine = true } = {}) {
  if (seconds < 60) return t("time.s", { s: fine && seconds < 100 ? seconds.toFixed(1) : Math.floor(seconds) });
  const whole = Math.floor(seconds);
  if (!fine && whole >= 600 && whole < 3600) return t("time.m", { m: Math.floor(whole / 60) });
  if (whole < 3600) return t("time.ms", { m: Math.floor(whole / 60), s: two(whole % 60) });
  if (whole < 86400) return t("time.hm", { h: Math.floor(whole / 3600), m: two(Math.floor((whole % 3600) / 60)) });
  return t("time.dh", { d: Math.floor(whole / 86400), h: Math.floor((whole % 86400) / 3600) });
}

function two(value) {
  return String(value).padStart(2, "0");
}

/** A moment (RFC 3339, or epoch seconds) as a Date; null for none. */
export function date(value) {
  if (value === null || value === undefined) return null;
  const found = new Date(typeof value === "number" ? value * 1000 : value);
  return Number.isNaN(found.getTime()) ? null : found;
}

/** A moment in the browser's own time zone. */
export function moment(value, style = { dateStyle: "medium", timeStyle: "short" }) {
  const found = date(value);
  return found === null ? "–" : new Intl.DateTimeFormat(locale(), style).format(found);
}

/** Seconds from now until a moment; negative when it is past. */
export function secondsUntil(value) {
  const found = date(value);
  return found === null ? null : (found.getTime() - Date.now()) / 1000;
}

/** How long ago a moment was. */
export function ago(value) {
  const past = -(secondsUntil(value) ?? 0);
  return past < 5 ? t("time.now") : t("time.ago", { span: duration(past, { fine: false }) });
}
