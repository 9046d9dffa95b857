// Whether a terminal gets colours. Any thread; reads the environment.

/**
 * True when lines for a stream are to be coloured: it is a terminal, and neither `NO_COLOR` (no-color.org) nor `TERM=dumb` say no.
 * `FORCE_COLOR`, as Node reads it, decides before all of that: `0` or `false` for no, anything else for yes.
 */
export function wantsColors(stream: { readonly isTTY?: boolean }, env: Readonly<NodeJS.ProcessEnv> = process.env): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: refused, TERM: terminal } = env;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (refused !== undefined && refused !== '') return false;
  return stream.isTTY === true && terminal !== 'dumb';
}
