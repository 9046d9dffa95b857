// What rsyslog makes of our messages, over each way that they take.
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { native } from '../../../src/binding/load.js';
import { logRing } from '../../../src/binding/log-ring.js';
import { type SyslogSinkOptions, syslogSink } from '../../../src/logs/sinks/syslog.js';
import { peer } from '../../peers.js';
import { memoryFolder, removeFolder } from '../../recorder/processes.js';

const rsyslogd = peer('rsyslogd', 'apt-get install rsyslog');

/** A message as rsyslog has read it. */
interface Received {
  readonly msg: string;
  readonly hostname: string;
  readonly programname: string;
  readonly procid: string;
  readonly facility: string;
  readonly severity: string;
  readonly time: string;
  readonly version: string;
}

let folder: string;
let daemon: ChildProcess | undefined;
let ports: { readonly udp: number; readonly tcp: number };

async function freePorts(): Promise<{ readonly udp: number; readonly tcp: number }> {
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  const tcp = createServer().listen(0, '127.0.0.1');
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
  const found = { udp: udp.address().port, tcp: (tcp.address() as AddressInfo).port };
  await Promise.all([new Promise((closed) => udp.close(closed as () => void)), new Promise((closed) => tcp.close(closed))]);
  return found;
}

beforeAll(async () => {
  folder = memoryFolder();
  if (rsyslogd === undefined) return;
  ports = await freePorts();
  const property = (name: string, field: string): string =>
    `  property(outname="${name}" name="${field}" format="jsonf"${field === 'timereported' ? ' dateFormat="rfc3339"' : ''})`;
  const fields = [
    ...[property('msg', 'msg'), property('hostname', 'hostname'), property('programname', 'programname'), property('procid', 'procid')],
    ...[property('facility', 'syslogfacility-text'), property('severity', 'syslogseverity-text')],
    ...[property('time', 'timereported'), property('version', 'protocol-version')],
  ].join('\n  constant(value=", ")\n');
  const conf = join(folder, 'rsyslog.conf');
  writeFileSync(
    conf,
    `global(workDirectory="${folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
module(load="imudp")
module(load="imtcp")
module(load="imuxsock" SysSock.Use="off")
template(name="json" type="list") {
  constant(value="{")
${fields}
  constant(value="}\\n")
}
input(type="imudp" address="127.0.0.1" port="${ports.udp}")
input(type="imtcp" address="127.0.0.1" port="${ports.tcp}")
input(type="imuxsock" Socket="${join(folder, 'log')}" UsePIDFromSystem="off" UseSysTimeStamp="off")
action(type="omfile" file="${join(folder, 'received')}" template="json")
`,
  );
  daemon = spawn(rsyslogd, ['-n', '-f', conf, '-i', join(folder, 'pid')], { stdio: ['ignore', 'inherit', 'inherit'] });
  await vi.waitFor(() => expect(['log', 'pid'].every((name) => existsSync(join(folder, name)))).toBe(true), { timeout: 10_000 });
});

afterAll(async () => {
  if (daemon !== undefined) {
    const gone = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await gone;
  }
  removeFolder(folder);
});

function received(): Received[] {
  const path = join(folder, 'received');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Received);
}

/** Sends lines, each with its level, and gives what arrived. */
async function through(options: SyslogSinkOptions, lines: readonly (readonly [number, string])[]): Promise<Received[]> {
  const before = received().length;
  const opened = syslogSink(options).open({ format: -1, service: 'shop' });
  const route = native.logRoute(`syslog-${JSON.stringify(options)}`);
  native.logRouteSet(route, [{ minLevel: 0, sink: opened.sink as number }]);
  const ring = logRing();
  for (const [level, line] of lines) {
    Object.assign(ring.call, { level, route, bits: 0, logger: -1, time: Date.UTC(2026, 10, 21, 22, 14, 15, 3) });
    ring.line(`${line}\n`);
  }
  expect(await native.logFlush(10_000)).toBe(true);
  await expect.poll(() => received().length - before, { timeout: 10_000 }).toBe(lines.length);
  await opened.close(1_000);
  return received().slice(before);
}

const LINES = [
  [20, '{"level":"debug","msg":"é €"}'],
  [30, '{"level":"info"}'],
  [40, '{"level":"warn"}'],
  [50, '{"level":"error"}'],
  [60, '{"level":"fatal"}'],
] as const;
const SEVERITIES = ['debug', 'info', 'warning', 'err', 'crit'];

describe.runIf(rsyslogd)('rsyslog', () => {
  it.each<[string, () => SyslogSinkOptions]>([
    ['UDP', () => ({ transport: 'udp', port: ports.udp })],
    ['TCP with octet counting', () => ({ transport: 'tcp', port: ports.tcp })],
    ['TCP with line endings', () => ({ transport: 'tcp', port: ports.tcp, framing: 'newline' })],
  ])('reads each line, its level, time and program, over %s in RFC 5424', async (_, options) => {
    const found = await through({ ...options(), facility: 'local3', hostname: 'web-1' }, LINES);
    expect(found.map(({ msg }) => msg)).toEqual(LINES.map(([, line]) => line));
    expect(found.map(({ severity }) => severity)).toEqual(SEVERITIES);
    for (const message of found) {
      expect(message).toMatchObject({ hostname: 'web-1', programname: 'shop', procid: `${process.pid}`, facility: 'local3', version: '1' });
      expect(Date.parse(message.time)).toBe(Date.UTC(2026, 10, 21, 22, 14, 15, 3));
    }
  });

  it('reads the older form over UDP, with the time of this host', async () => {
    const found = await through({ transport: 'udp', port: ports.udp, standard: 'rfc3164', hostname: 'web-1' }, LINES);
    expect(found.map(({ msg }) => msg.trimStart())).toEqual(LINES.map(([, line]) => line));
    expect(found.map(({ severity }) => severity)).toEqual(SEVERITIES);
    const time = new Date(2026, 10, 21);
    for (const message of found) {
      expect(message).toMatchObject({ hostname: 'web-1', programname: 'shop', procid: `${process.pid}`, facility: 'user' });
      expect(message.time.slice(5, 10)).toBe(`${time.getMonth() + 1}-${new Date(Date.UTC(2026, 10, 21, 22, 14, 15)).getDate()}`);
    }
  });

  it('reads it from the socket of the host', async () => {
    const found = await through({ path: join(folder, 'log') }, LINES);
    expect(found.map(({ msg }) => msg.trimStart())).toEqual(LINES.map(([, line]) => line));
    expect(found.map(({ severity }) => severity)).toEqual(SEVERITIES);
    for (const message of found) {
      expect(message).toMatchObject({ programname: 'shop', procid: `${process.pid}`, facility: 'user' });
      expect(hostname()).toMatch(new RegExp(`^${message.hostname}`));
    }
  });

  it('gets thousands of lines over TCP, each once and in order', async () => {
    const lines = Array.from({ length: 5_000 }, (_, line) => [30, `{"line":${line},"text":"${'x'.repeat(line % 300)}"}`] as const);
    const found = await through({ transport: 'tcp', port: ports.tcp }, lines);
    expect(found.map(({ msg }) => msg)).toEqual(lines.map(([, line]) => line));
  });
});
