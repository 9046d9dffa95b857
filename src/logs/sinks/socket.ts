// Sinks into sockets. App threads; connections belong to a native thread of the sink.
import { lineSink } from './line-sink.js';
import { backlog, CheckedOptions, CONNECTION_OPTIONS, type ConnectionOptions, patience } from './options.js';
import type { LogSink } from './sink.js';

/** Options of {@link tcpSink}. */
export interface TcpSinkOptions extends ConnectionOptions {
  /** Name or address; default `127.0.0.1`. */
  readonly host?: string;
  /** In [1, 65535]. */
  readonly port: number;
}

/** Options of {@link unixSocketSink}. */
export interface UnixSocketSinkOptions extends ConnectionOptions {
  /** Where the socket lies; at most 100 bytes. */
  readonly path: string;
  /** `stream` (default), or `datagram`: each line is one, without its line ending, and cut where it is longer than the system takes. */
  readonly type?: 'stream' | 'datagram';
}

/**
 * Lines over TCP, connected with the first one and again whenever the connection ends. A line is never sent in two halves over two
 * connections. What the system had taken when a connection broke may be lost with it: TCP tells no more.
 * @throws KymoError `KYMO_LOG_SINK`
 */
export function tcpSink(options: TcpSinkOptions): LogSink {
  const checked = new CheckedOptions<TcpSinkOptions>('tcpSink', options, [...CONNECTION_OPTIONS, 'host', 'port']);
  const host = checked.host('host', '127.0.0.1');
  const port = checked.whole('port', [1, 65_535], undefined) ?? checked.refuse('port', 'a whole number in [1, 65535]');
  const peer = { kind: 'tcp', host, port, ...patience(checked) } as const;
  const native = { label: `tcp:${host}:${port}`, peer, ...backlog(checked) };
  return lineSink({ name: 'tcp', options: () => native });
}

/** Lines into a socket of this host; as {@link tcpSink}. @throws KymoError `KYMO_LOG_SINK` */
export function unixSocketSink(options: UnixSocketSinkOptions): LogSink {
  const checked = new CheckedOptions<UnixSocketSinkOptions>('unixSocketSink', options, [...CONNECTION_OPTIONS, 'path', 'type']);
  const path = checked.socketPath('path');
  const type = checked.word('type', ['stream', 'datagram'], 'stream');
  const peer = { kind: `unix-${type}`, path, ...patience(checked) } as const;
  const native = { label: `unix:${path}`, peer, ...backlog(checked) };
  return lineSink({ name: 'unix', options: () => native });
}
