// Times of the API, in Unix seconds, as the viewer reads them.

const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const STEPS: [number, string][] = [
  [60, "s"],
  [60, "min"],
  [24, "h"],
  [Infinity, "d"],
];

export function full(seconds: number): string {
  return FULL.format(new Date(seconds * 1000));
}

/** Returns how long ago a time was, such as `3 min ago`. */
export function ago(seconds: number, now: number): string {
  let amount = Math.round(now - seconds);
  if (Math.abs(amount) < 5) return "now";
  const isPast = amount > 0;
  amount = Math.abs(amount);
  for (const [size, unit] of STEPS) {
    if (amount < size) return isPast ? `${amount} ${unit} ago` : `in ${amount} ${unit}`;
    amount = Math.floor(amount / size);
  }
  return "";
}

/** Returns a length of time, such as `850 ms` or `1 min 5 s`. */
export function length(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(Math.max(0, seconds) * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes < 60) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
