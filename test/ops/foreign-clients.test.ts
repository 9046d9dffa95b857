// Judged by clients that we did not write: curl, over every way in.
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peer } from '../peers.js';
import { Program, temporaryFolder } from './clients.js';

const curl = peer('curl', 'apt-get install curl');

describe.runIf(curl)('curl', () => {
  const folder = temporaryFolder();
  const socketPath = `${folder.path}/ops.sock`;
  let server: Program;
  let port = 0;

  const said = (...args: string[]): string =>
    spawnSync(curl as string, ['--silent', '--show-error', '--max-time', '20', '--include', ...args], { encoding: 'utf8' }).stdout;

  beforeAll(async () => {
    server = new Program(`
      metrics.counter({ name: 'judged_total', help: 'h' }).inc();
      const tcp = new OpsServer({ registries: [metrics] });
      const unix = new OpsServer({ registries: [metrics], socketPath: ${JSON.stringify(socketPath)} });
      await tcp.start();
      await unix.start();
      console.log('port', tcp.address.port);
      process.stdin.resume();
    `);
    port = Number(await server.says(/port (\d+)/));
  });
  afterAll(async () => {
    server.child.kill();
    await server.ended;
    folder.remove();
  });

  it('gets metrics over HTTP/1.1 and HTTP/1.0', () => {
    for (const version of ['--http1.1', '--http1.0']) {
      const text = said(version, `http://127.0.0.1:${port}/metrics`);
      expect(text, version).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(text, version).toContain('judged_total 1\n');
    }
  });

  it('reuses a connection, also behind HEAD and a body', () => {
    const url = `http://127.0.0.1:${port}`;
    const { stderr } = spawnSync(
      curl as string,
      ['-sv', '--max-time', '20', '-I', `${url}/metrics`, '--next', '-sv', '-d', 'a=b', `${url}/live`, '--next', '-sv', `${url}/live`],
      { encoding: 'utf8' },
    );
    expect(stderr.match(/^< HTTP\/1\.1 (\d+)/gm)).toEqual(['< HTTP/1.1 200', '< HTTP/1.1 405', '< HTTP/1.1 200']);
    expect(stderr.match(/Re-using existing connection/gi)).toHaveLength(2);
  });

  it('decompresses what it asked for', () => {
    expect(said('--compressed', `http://127.0.0.1:${port}/metrics`)).toContain('judged_total 1\n');
  });

  it('sends a chunked body and gets an answer that closes', () => {
    const text = said('-H', 'Transfer-Encoding: chunked', '-d', 'x'.repeat(5_000), `http://localhost:${port}/live`);
    expect(text).toMatch(/HTTP\/1\.1 405 Method Not Allowed\r\n/);
    expect(text).toMatch(/connection: close\r\n/i);
  });

  it('gets answers through a unix socket', () => {
    expect(said('--unix-socket', socketPath, 'http://localhost/live')).toContain('{"status":"ok"}');
  });
});
