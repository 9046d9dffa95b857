// Sinks into syslog. App threads; connections belong to a native thread of the sink.

import type { NativePeer } from '../../binding/native-log-sinks.js';
import { lineSink } from './line-sink.js';
import { backlog, CheckedOptions, CONNECTION_OPTIONS, type ConnectionOptions, patience } from './options.js';
import type { LogSink } from './sink.js';

/** The facilities of syslog (RFC 5424, section 6.2.1), in the order of their numbers. */
export const SyslogFacility = Object.freeze([
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'ntp',
  'security',
  'console',
  'solaris-cron',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const);

/** One of {@link SyslogFacility}. */
export type SyslogFacility = (typeof SyslogFacility)[number];

/** Options of {@link syslogSink}. */
export interface SyslogSinkOptions extends ConnectionOptions {
  /** `unix` (default): the socket of this host. `udp`, `tcp`: a receiver in the network. */
  readonly transport?: 'unix' | 'udp' | 'tcp';
  /** Of `unix`; default `/dev/log`. */
  readonly path?: string;
  /** Of `udp` and `tcp`; default `127.0.0.1`. */
  readonly host?: string;
  /** Of `udp` and `tcp`, in [1, 65535]; default 514. */
  readonly port?: number;
  /** How a message begins; default `rfc5424` in the network, `rfc3164` on this host, whose daemons expect that. */
  readonly standard?: 'rfc5424' | 'rfc3164';
  /** Default `user`. */
  readonly facility?: SyslogFacility;
  /** Default: the name of this host. */
  readonly hostname?: string;
  /** Name of the program; default `service.name` where one is configured, else `node`. */
  readonly appName?: string;
  /** How messages are told apart over `tcp` (RFC 6587); default `octet-counting`. */
  readonly framing?: 'octet-counting' | 'newline';
  /** Longest message in bytes, in [480, 65507]; default 8,192. A longer line is cut between two characters. */
  readonly maxMessageBytes?: number;
}

const NAMES = [
  ...CONNECTION_OPTIONS,
  ...(['transport', 'path', 'host', 'port', 'standard', 'facility', 'hostname', 'appName', 'framing', 'maxMessageBytes'] as const),
];

/**
 * Lines as messages of syslog, RFC 5424 or 3164. Severities follow levels: below `info` debug (7), `info` 6, from 35 on notice (5), `warn` 4,
 * `error` 3, `fatal` critical (2).
 * @throws KymoError `KYMO_LOG_SINK`
 */
export function syslogSink(options: SyslogSinkOptions = {}): LogSink {
  const checked = new CheckedOptions<SyslogSinkOptions>('syslogSink', options, NAMES);
  const transport = checked.word('transport', ['unix', 'udp', 'tcp'], 'unix');
  const peer = { ...address(checked, transport), ...patience(checked) };
  const hostname = checked.text('hostname', 255, undefined);
  const appName = checked.text('appName', 48, undefined);
  const syslog = {
    standard: checked.word('standard', ['rfc5424', 'rfc3164'], transport === 'unix' ? 'rfc3164' : 'rfc5424'),
    facility: checked.word('facility', SyslogFacility, 'user'),
    ...(hostname === undefined ? {} : { hostname }),
    framing: checked.word('framing', ['octet-counting', 'newline'], 'octet-counting'),
    maxMessageBytes: checked.whole('maxMessageBytes', [480, 65_507], 8_192),
  };
  const label = `syslog:${peer.path ?? `${peer.host}:${peer.port}`}`;
  const rest = backlog(checked);
  return lineSink({
    name: 'syslog',
    options: ({ service }) => ({ label, peer, syslog: { ...syslog, appName: appName ?? service ?? 'node' }, ...rest }),
  });
}

function address(
  options: CheckedOptions<SyslogSinkOptions>,
  transport: 'unix' | 'udp' | 'tcp',
): Pick<NativePeer, 'kind' | 'host' | 'port' | 'path'> {
  const [own, others] = transport === 'unix' ? ([['path'], ['host', 'port']] as const) : ([['host', 'port'], ['path']] as const);
  const stray = others.find((name) => options.value(name) !== undefined);
  if (stray !== undefined) options.refuse(stray, `nothing: with ${transport} there is ${own.join(' and ')}`);
  if (transport === 'unix') return { kind: 'unix-datagram', path: options.socketPath('path', '/dev/log') };
  return { kind: transport, host: options.host('host', '127.0.0.1'), port: options.whole('port', [1, 65_535], 514) };
}
