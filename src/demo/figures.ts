// How the demo writes numbers: counts, shares, times. Pure; any thread.

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A whole number with thousands marked: `12,345`. */
export function count(value: number): string {
  return COUNT.format(value);
}

/** A count with its noun: `1 request`, `2 requests`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** A time in seconds with the unit that fits: `0.38 ms`, `41 ms`, `2.0 s`; `-` where there is none (NaN). */
export function time(seconds: number): string {
  if (Number.isNaN(seconds)) return '-';
  if (seconds >= 0.9995) return `${seconds.toFixed(1)} s`;
  const ms = seconds * 1_000;
  return `${ms >= 9.95 ? ms.toFixed(0) : ms >= 0.995 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

/** A share in [0, 1] as per cent: `98.2 %`; anything but none never rounds to zero. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return '<0.1 %';
  if (percent < 100 && percent > 99.9) return '>99.9 %';
  return `${percent === 0 || percent === 100 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}
