// Stands in for the W3C's harness: starts the server as one does by hand, asks it over real HTTP to call back, and tells with which
// headers it did.
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

/** What a call back said about its trace. */
export interface Propagated {
  readonly traceId: string;
  readonly parentId: string;
  readonly flags: string;
  /** Keys and values of tracestate in their order. */
  readonly state: ReadonlyMap<string, string>;
  /** The header, as it came; undefined when it was not sent. */
  readonly tracestate: string | undefined;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

function propagatedBy({ rawHeaders }: IncomingMessage): Propagated {
  const valuesOf = (name: string): string[] =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  const parents = valuesOf('traceparent');
  const [, traceId = '', parentId = '', flags = ''] = TRACEPARENT.exec(parents[0] ?? '') ?? [];
  if (parents.length !== 1 || traceId === '' || /^0+$/.test(traceId) || /^0+$/.test(parentId)) {
    throw new Error(`one valid traceparent is expected, not ${JSON.stringify(parents)}`);
  }
  const states = valuesOf('tracestate');
  const members = states.flatMap((header) => header.split(',')).map((member) => member.split('=') as [string, string]);
  return { traceId, parentId, flags, state: new Map(members), tracestate: states[0] };
}

/** The server under test, and one that it calls back. */
export class Harness {
  #child: ChildProcess | undefined;
  #callback: Server | undefined;
  #port = 0;
  #received: IncomingMessage[] = [];

  async start(): Promise<void> {
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const child = spawn('npm', ['run', '-s', 'w3c-server'], {
      cwd: root,
      env: { ...process.env, PORT: '0' },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#port = await new Promise<number>((done, fail) => {
      let text = '';
      const read = (chunk: Buffer): void => {
        text += chunk;
        const port = /listening on http:\/\/127\.0\.0\.1:(\d+)\/test/.exec(text)?.[1];
        if (port !== undefined) done(Number(port));
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
      child.once('exit', () => fail(new Error(`the server ended: ${text}`)));
    });
    const callback = createServer((message, response) => {
      this.#received.push(message);
      message.resume().once('end', () => response.end('null'));
    });
    this.#callback = callback;
    await new Promise<void>((done) => callback.listen(0, '127.0.0.1', done));
  }

  async stop(): Promise<void> {
    this.#callback?.closeAllConnections();
    this.#callback?.close();
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    process.kill(-(child.pid as number)); // npm, its shell and the server.
    await ended;
  }

  #body(count: number): string {
    const { port } = (this.#callback as Server).address() as AddressInfo;
    return JSON.stringify(Array.from({ length: count }, (_, index) => ({ url: `http://127.0.0.1:${port}/${index}`, arguments: [] })));
  }

  /** Posts to `/test` with these headers, each on a line of its own, and gives what the calls back said. */
  async call(headers: readonly (readonly [string, string])[], count = 1): Promise<Propagated[]> {
    this.#received = [];
    const body = this.#body(count);
    const status = await new Promise<number | undefined>((done, fail) => {
      const lines = [...headers, ['Host', 'test'], ['Content-Type', 'application/json'], ['Content-Length', String(body.length)]];
      const outgoing = request({ port: this.#port, host: '127.0.0.1', path: '/test', method: 'POST', headers: lines.flat() as never });
      outgoing.on('response', (incoming) => incoming.resume().once('end', () => done(incoming.statusCode))).on('error', fail);
      outgoing.end(body);
    });
    if (status !== 200) throw new Error(`the server answered ${status}`);
    return this.#received.map(propagatedBy);
  }

  /** The same with a head that is written byte by byte as given, for white space that a client would not send. */
  async callRaw(lines: readonly string[]): Promise<Propagated[]> {
    this.#received = [];
    const body = this.#body(1);
    const head = ['POST /test HTTP/1.1', 'Host: test', ...lines, `Content-Length: ${body.length}`, 'Connection: close', '', body];
    const text = await new Promise<string>((done, fail) => {
      let received = '';
      const socket = connect(this.#port, '127.0.0.1', () => socket.write(head.join('\r\n')));
      socket.setEncoding('latin1').on('data', (chunk) => {
        received += chunk;
      });
      socket.on('error', fail).on('close', () => done(received));
    });
    if (!text.startsWith('HTTP/1.1 200')) throw new Error(`the server answered ${text}`);
    return this.#received.map(propagatedBy);
  }
}
