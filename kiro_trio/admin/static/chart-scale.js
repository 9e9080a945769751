// Round numbers for axes, and a place on them.

/** The smallest round number that holds `most`, and the steps to it. */
export function scale(most, wanted = 4) {
  if (!(most > 0)) return { top: 1, steps: [0, 1] };
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const number = Math.ceil(most / step - 1e-9);
  return { top: number * step, steps: Array.from({ length: number + 1 }, (_, place) => place * step) };
}

/** Every hour or day from `since` to `until` (epoch seconds, UTC), also those in which nothing happened. */
export function spans(by, since, until) {
  const size = by === "hour" ? 3600 : 86400;
  const first = Math.floor(since / size) * size;
  return Array.from({ length: Math.max(1, Math.ceil((until - first) / size)) }, (_, place) => first + place * size);
}
