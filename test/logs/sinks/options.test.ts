// What sinks of lines accept, and what they hand to native code.
import { resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { native } from '../../../src/binding/load.js';
import type { NativeSinkOptions } from '../../../src/binding/native-log-sinks.js';
import { type FileSinkOptions, fileSink, LOG_RETENTION_DAYS } from '../../../src/logs/sinks/file.js';
import { RotatingFileSink } from '../../../src/logs/sinks/rotating-file-sink.js';
import type { LogSink } from '../../../src/logs/sinks/sink.js';
import { tcpSink, unixSocketSink } from '../../../src/logs/sinks/socket.js';
import { descriptorSink, stderrSink, stdoutSink } from '../../../src/logs/sinks/standard.js';
import { SyslogFacility, syslogSink } from '../../../src/logs/sinks/syslog.js';

/** What native code would be asked for; nothing is opened. */
function asked(sink: LogSink, service?: string): NativeSinkOptions {
  const spy = vi.spyOn(native, 'logSink').mockReturnValue(7);
  try {
    expect(sink.open({ format: 0, service })).toMatchObject({ sink: 7 });
    return spy.mock.calls[0]?.[0] as NativeSinkOptions;
  } finally {
    spy.mockRestore();
  }
}

const refused = (make: () => unknown, text: RegExp): void => {
  expect(make).toThrow(expect.objectContaining({ code: 'KYMO_LOG_SINK', message: expect.stringMatching(text) }));
};

describe('a file sink', () => {
  it('turns each day, keeps 14 days and makes its folder, unless told otherwise [H-25 H-26]', () => {
    expect(LOG_RETENTION_DAYS).toBe(14);
    expect(asked(fileSink({ path: 'logs/app.log' }))).toEqual({
      label: `file:${resolve('logs/app.log')}`,
      file: {
        path: resolve('logs/app.log'),
        daily: true,
        retentionDays: 14,
        compression: 'none',
        mode: 0o640,
        mkdir: true,
        fsync: 'never',
      },
    });
    const all: FileSinkOptions = {
      path: '/var/log/a.log',
      rotate: 'none',
      maxBytes: 1_024,
      retentionDays: false,
      maxTotalBytes: 4_096,
      compress: 'zstd',
      mode: 0,
      mkdir: false,
      fsync: 'flush',
      backlogBytes: 65_536,
    };
    expect(asked(fileSink(all))).toEqual({
      label: 'file:/var/log/a.log',
      file: {
        path: '/var/log/a.log',
        daily: false,
        maxBytes: 1_024,
        maxTotalBytes: 4_096,
        compression: 'zstd',
        mode: 0,
        mkdir: false,
        fsync: 'flush',
      },
      backlogBytes: 65_536,
    });
  });

  it('begins a new file at a quarter of what all may have', () => {
    expect(asked(fileSink({ path: 'a', maxTotalBytes: 4_099 })).file).toMatchObject({ maxBytes: 1_024, maxTotalBytes: 4_099 });
  });

  it('syncs from a level on', () => {
    for (const [fsync, fsyncLevel] of [
      ['error', 50],
      ['WARN', 40],
      [35, 35],
    ] as const) {
      expect(asked(fileSink({ path: 'a', fsync })).file).toMatchObject({ fsync: 'flush', fsyncLevel });
    }
    expect(asked(fileSink({ path: 'a', fsync: 'always' })).file).not.toHaveProperty('fsyncLevel');
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{}, /path of fileSink is undefined/],
    [{ path: '' }, /path/],
    [{ path: 'a\0b' }, /path/],
    [{ path: 'a', rotate: 'hourly' }, /rotate of fileSink is "hourly", expected one of daily, none/],
    [{ path: 'a', maxBytes: 1_023 }, /\[1024, /],
    [{ path: 'a', maxBytes: 2 ** 50 + 1 }, /maxBytes/],
    [{ path: 'a', maxTotalBytes: 4_095 }, /maxTotalBytes/],
    [{ path: 'a', maxTotalBytes: 4_096, maxBytes: 4_097 }, /maxBytes/],
    [{ path: 'a', retentionDays: -1 }, /retentionDays/],
    [{ path: 'a', retentionDays: 36_501 }, /retentionDays/],
    [{ path: 'a', retentionDays: true }, /retentionDays/],
    [{ path: 'a', compress: 'bzip2' }, /compress/],
    [{ path: 'a', mode: 0o1000 }, /mode/],
    [{ path: 'a', mode: '640' }, /mode/],
    [{ path: 'a', mkdir: 1 }, /mkdir/],
    [{ path: 'a', fsync: 'sometimes' }, /fsync/],
    [{ path: 'a', fsync: 'silent' }, /fsync/],
    [{ path: 'a', reopenOn: 'HUP' }, /reopenOn/],
    [{ path: 'a', backlogBytes: 65_535 }, /backlogBytes/],
    [{ path: 'a', maxSize: 5 }, /maxSize .* no such option/],
  ])('refuses %j', (options, text) => {
    refused(() => fileSink(options as never), text);
  });

  it('refuses what is no object, and shows nothing that throws', () => {
    for (const options of [undefined, null, 'app.log', 5]) refused(() => fileSink(options as never), /expected an object/);
    const hostile = { [Symbol.toPrimitive]: () => Symbol('x') };
    refused(() => fileSink({ path: 'a', maxBytes: hostile as never }), /maxBytes of fileSink is \[object\]/);
  });

  it('is the same sink as one with the same options', () => {
    expect(fileSink({ path: 'a' }).key).toBe(fileSink({ path: resolve('a') }).key);
    expect(fileSink({ path: 'a' }).key).not.toBe(fileSink({ path: 'a', mkdir: false }).key);
    expect(fileSink({ path: 'a' }).key).not.toBe(fileSink({ path: 'a', reopenOn: 'SIGHUP' }).key);
  });
});

describe('a rotating file sink', () => {
  it('is a file per day in a folder [H-25]', () => {
    const sink = new RotatingFileSink({ dir: 'logs', utc: true, interval: 'day', retentionDays: 3 });
    expect(asked(sink).file).toMatchObject({ path: resolve('logs/app.log'), daily: true, retentionDays: 3 });
    expect(asked(new RotatingFileSink({ dir: 'logs', name: 'access.jsonl' })).file?.path).toBe(resolve('logs/access.jsonl'));
  });

  it.each<[Record<string, unknown> | undefined, RegExp]>([
    [undefined, /dir/],
    [{}, /dir of RotatingFileSink/],
    [{ dir: 'a', name: 'b/c' }, /name/],
    [{ dir: 'a', name: '..' }, /name/],
    [{ dir: 'a', utc: false }, /utc of RotatingFileSink is false, expected true/],
    [{ dir: 'a', interval: 'hour' }, /interval/],
    [{ dir: 'a', path: 'b' }, /path of RotatingFileSink/],
    [{ dir: 'a', rotate: 'none' }, /rotate of RotatingFileSink/],
    [{ dir: 'a', level: 'info' }, /no such option/],
  ])('refuses %j', (options, text) => {
    refused(() => new RotatingFileSink(options as never), text);
  });
});

describe('sinks into descriptors', () => {
  it('are the standard output, the standard error, or any other', () => {
    expect(asked(stdoutSink())).toEqual({ label: 'stdout', descriptor: 1 });
    expect(asked(stderrSink({ backlogBytes: 2 ** 30 }))).toEqual({ label: 'stderr', descriptor: 2, backlogBytes: 2 ** 30 });
    expect(asked(descriptorSink({ fd: 9 }))).toEqual({ label: 'fd:9', descriptor: 9 });
    refused(() => descriptorSink({} as never), /fd/);
    refused(() => descriptorSink({ fd: -1 }), /fd/);
    refused(() => stdoutSink({ level: 'info' } as never), /level of stdoutSink/);
  });

  it('fail to open where the descriptor is closed', () => {
    refused(() => descriptorSink({ fd: 999_999 }).open({ format: 0, service: undefined }), /descriptor 999999: Bad file descriptor/);
  });
});

describe('sinks into sockets', () => {
  const patience = { connectTimeoutMs: 5_000, retryMinMs: 100, retryMaxMs: 30_000 };

  it('have an address and patience', () => {
    expect(asked(tcpSink({ port: 9 }))).toEqual({
      label: 'tcp:127.0.0.1:9',
      peer: { kind: 'tcp', host: '127.0.0.1', port: 9, ...patience },
    });
    expect(asked(tcpSink({ host: '::1', port: 9, connectTimeoutMs: 10, retryMinMs: 60_000 })).peer).toEqual({
      ...{ kind: 'tcp', host: '::1', port: 9 },
      ...{ connectTimeoutMs: 10, retryMinMs: 60_000, retryMaxMs: 60_000 },
    });
    expect(asked(unixSocketSink({ path: '/run/a' })).peer).toEqual({ kind: 'unix-stream', path: '/run/a', ...patience });
    expect(asked(unixSocketSink({ path: '/run/a', type: 'datagram' })).peer?.kind).toBe('unix-datagram');
  });

  it('refuse what cannot be connected to', () => {
    for (const port of [undefined, 0, 65_536, '9']) refused(() => tcpSink({ port: port as never }), /port/);
    for (const host of ['', 'a b', '[::1]', 5]) refused(() => tcpSink({ host: host as never, port: 9 }), /host/);
    refused(() => tcpSink({ port: 9, retryMinMs: 5, retryMaxMs: 4 }), /retryMaxMs/);
    refused(() => unixSocketSink({ path: `/${'x'.repeat(100)}` }), /at most 100 bytes/);
    expect(() => unixSocketSink({ path: `/${'x'.repeat(99)}` })).not.toThrow();
    refused(() => unixSocketSink({ path: '/a', type: 'seqpacket' as never }), /type/);
  });
});

describe('a syslog sink', () => {
  it('goes to the daemon of this host, in its dialect, under the name of the service', () => {
    expect(asked(syslogSink(), 'shop')).toMatchObject({
      label: 'syslog:/dev/log',
      peer: { kind: 'unix-datagram', path: '/dev/log' },
      syslog: { standard: 'rfc3164', facility: 'user', appName: 'shop', framing: 'octet-counting', maxMessageBytes: 8_192 },
    });
    expect(asked(syslogSink()).syslog?.appName).toBe('node');
  });

  it('speaks RFC 5424 in the network', () => {
    expect(asked(syslogSink({ transport: 'tcp', appName: 'a', hostname: 'h', facility: 'local7' }), 'shop')).toMatchObject({
      label: 'syslog:127.0.0.1:514',
      peer: { kind: 'tcp', host: '127.0.0.1', port: 514 },
      syslog: { standard: 'rfc5424', facility: 'local7', appName: 'a', hostname: 'h' },
    });
    expect(SyslogFacility.indexOf('local7')).toBe(23);
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ transport: 'tls' }, /transport/],
    [{ transport: 'udp', path: '/dev/log' }, /path .* with udp there is host and port/],
    [{ port: 514 }, /port .* with unix there is path/],
    [{ facility: 'local8' }, /facility/],
    [{ appName: '' }, /appName/],
    [{ appName: 'x'.repeat(49) }, /appName/],
    [{ hostname: 'a\nb' }, /hostname/],
    [{ maxMessageBytes: 479 }, /\[480, 65507\]/],
    [{ maxMessageBytes: 65_508 }, /maxMessageBytes/],
    [{ framing: 'none' }, /framing/],
  ])('refuses %j', (options, text) => {
    refused(() => syslogSink(options as never), text);
  });
});
