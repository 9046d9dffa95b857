// What the addon offers for sinks of lines: native/binding/src/logs/sinks.rs in TypeScript. App threads.

/** A file, or files that are named by UTC day and number. */
export interface NativeFileOptions {
  /** Absolute. */
  readonly path: string;
  readonly daily: boolean;
  readonly maxBytes?: number;
  readonly retentionDays?: number;
  readonly maxTotalBytes?: number;
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly mode: number;
  readonly mkdir: boolean;
  readonly fsync: 'never' | 'flush' | 'always';
  /** In place of the word: the lowest level whose lines are synced at once. */
  readonly fsyncLevel?: number;
}

/** The other side of a socket. */
export interface NativePeer {
  readonly kind: 'tcp' | 'udp' | 'unix-stream' | 'unix-datagram';
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly connectTimeoutMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

/** How lines become syslog messages. */
export interface NativeSyslogOptions {
  readonly standard: 'rfc5424' | 'rfc3164';
  readonly facility: string;
  /** This host's own when it is left out. */
  readonly hostname?: string;
  readonly appName: string;
  readonly framing: 'octet-counting' | 'newline';
  readonly maxMessageBytes: number;
}

/** One of `file`, `descriptor` and `peer`; `syslog` goes with a peer. Checked by the caller. */
export interface NativeSinkOptions {
  /** Label value of its metrics. */
  readonly label: string;
  /** Bytes that are kept while it holds up others; default 1 MiB. */
  readonly backlogBytes?: number;
  readonly file?: NativeFileOptions;
  readonly descriptor?: number;
  readonly peer?: NativePeer;
  readonly syslog?: NativeSyslogOptions;
}

/** Part of the addon's exports. */
export interface NativeLogSinks {
  /** Makes a sink and gives its number; its file or connection is opened by the first line. Fails with `KYMO_LOG_SINK`. */
  logSink(options: NativeSinkOptions): number;
}
