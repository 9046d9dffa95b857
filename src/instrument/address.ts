// Reads host and port, and the address of a client behind proxies, from what headers say. Pure functions; any thread.

/** A host and a port; 0 where the text named none. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Longer than a domain name (253), a port and brackets can be; what is longer is no host. */
const HOST_MAX = 300;
const HOST_PORT = /^(?:\[([0-9a-f:.%]+)\]|([\w.~%-]+))(?::(\d{1,5}))?$/i;

/** Reads `host`, `host:port` or `[address]:port`; undefined for what is none of them. */
export function hostPort(text: string): HostPort | undefined {
  if (text.length === 0 || text.length > HOST_MAX) return undefined;
  const match = HOST_PORT.exec(text);
  if (match === null) return undefined;
  const port = match[3] === undefined ? 0 : Number(match[3]);
  return port > 65_535 ? undefined : { host: (match[1] ?? match[2]) as string, port };
}

/** The port that a scheme means without one. */
export function defaultPort(scheme: string): number {
  return scheme === 'https' ? 443 : scheme === 'http' ? 80 : 0;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The client as the first proxy saw it: of `forwarded` (RFC 7239), else of `x-forwarded-for`; undefined when neither names one. Anyone
 * can send these headers: it is a hint for people, not for access control.
 */
export function forwardedClient(headers: Headers): string | undefined {
  const { forwarded, 'x-forwarded-for': list } = headers;
  if (forwarded === undefined && list === undefined) return undefined;
  return forwardedFor(first(forwarded)) ?? addressOf(first(list));
}

/** The first member of a list header. */
function first(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
  const comma = text.indexOf(',');
  return (comma < 0 ? text : text.slice(0, comma)).trim();
}

/** The node that `for=` names in a member of `forwarded`. */
function forwardedFor(member: string): string | undefined {
  for (const pair of member.split(';')) {
    const match = /^\s*for\s*=\s*"?([^"]*)"?\s*$/i.exec(pair);
    if (match !== null) return addressOf(match[1] as string);
  }
  return undefined;
}

/** An address without port and brackets; a bare IPv6 address has neither. */
function addressOf(text: string): string | undefined {
  if (text === '' || text.toLowerCase() === 'unknown') return undefined;
  if (/^[0-9a-f:.]+$/i.test(text) && text.indexOf(':') !== text.lastIndexOf(':')) return text.length > HOST_MAX ? undefined : text;
  return hostPort(text)?.host;
}
