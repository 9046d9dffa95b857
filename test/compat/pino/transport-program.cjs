// Runs one scenario of transports on the library at a path, and prints what happened as JSON.
// Usage: node transport-program.cjs LIBRARY FOLDER SCENARIO, where FOLDER holds the targets and takes the files.
const fs = require('node:fs');
const path = require('node:path');

const [, , library, folder, scenario] = process.argv;
const pino = require(library);
const target = (name) => path.join(folder, `${name}`);
const file = (name) => path.join(folder, `${path.basename(path.dirname(library))}-${scenario}-${name}.out`);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const told = [];
// A worker does not keep the process alive while it ends.
setInterval(() => undefined, 1_000);

/** The stream, with its events noted. */
function heard(stream) {
  for (const event of ['ready', 'error', 'close', 'finish', 'message'])
    stream.on(event, (value) => told.push(`${event}${value === undefined ? '' : ` ${value.message ?? JSON.stringify(value)}`}`));
  return stream;
}

async function ended(stream) {
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.end();
  await closed;
  await wait(20);
}

function show(...names) {
  for (const name of names) told.push(`${name}: ${fs.existsSync(file(name)) ? fs.readFileSync(file(name), 'utf8') : 'no file'}`);
}

const bare = { base: null, timestamp: false, level: 'trace' };

function logAll(logger) {
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) logger[level]({ at: level }, 'a line');
}

function message(act) {
  try {
    act();
    told.push('nothing thrown');
  } catch (error) {
    told.push(`threw ${error.message}`);
  }
}

const scenarios = {
  async kinds() {
    for (const name of ['plain.cjs', 'module.mjs', 'transpiled.cjs']) {
      const stream = heard(pino.transport({ target: target(name), options: { to: file(name) } }));
      logAll(pino(bare, stream));
      await ended(stream);
      show(name);
    }
  },
  async relative() {
    const stream = heard(require(target('caller.cjs'))(pino, { to: file('out') }));
    logAll(pino(bare, stream));
    await ended(stream);
    show('out');
  },
  async targets() {
    const to = (name) => ({ target: target('plain.cjs'), options: { to: file(name) } });
    const stream = heard(
      pino.transport({
        targets: [
          to('default'),
          { ...to('debug'), level: 'debug' },
          { ...to('silent'), level: 'silent' },
          { ...to('own'), level: 'own' },
          { pipeline: [{ target: target('upper.cjs') }, to('piped')], level: 'error' },
        ],
        levels: { own: 45 },
      }),
    );
    logAll(pino(bare, stream));
    stream.write('no line\n{"level":"fatal","label":true}\n5\n{"nolevel":1}\n{"msg":"late","level":60}\n{"level":60,"last":1}');
    await ended(stream);
    show('default', 'debug', 'silent', 'own', 'piped');
  },
  async dedupe() {
    const to = (name, level) => ({ target: target('plain.cjs'), options: { to: file(name) }, level });
    const stream = heard(pino.transport({ targets: [to('a', 'trace'), to('b', 'warn'), to('c', 'fatal')], dedupe: true }));
    logAll(pino(bare, stream));
    await ended(stream);
    show('a', 'b', 'c');
  },
  async pipeline() {
    const stream = heard(
      pino.transport({ pipeline: [{ target: target('upper.cjs') }, { target: target('plain.cjs'), options: { to: file('out') } }] }),
    );
    logAll(pino(bare, stream));
    await ended(stream);
    show('out');
  },
  async config() {
    const stream = pino.transport({ target: target('config.cjs'), options: { to: file('out') } });
    const logger = pino({ ...bare, customLevels: { own: 35 }, messageKey: 'm', errorKey: 'e' }, heard(stream));
    logger.own('with a level of its own');
    await ended(stream);
    show('out');
  },
  async file() {
    const stream = heard(pino.transport({ target: 'pino/file', options: { destination: file('out'), mkdir: true } }));
    logAll(pino(bare, stream));
    await new Promise((resolve) => stream.once('ready', resolve));
    await ended(stream);
    show('out');
  },
  async option() {
    const logger = pino({
      ...bare,
      customLevels: { own: 45 },
      transport: { targets: [{ target: target('plain.cjs'), level: 'own', options: { to: file('out') } }] },
    });
    logger.own('kept');
    logger.warn('not kept');
    const stream = logger[pino.symbols.streamSym];
    await ended(heard(stream));
    show('out');
  },
  async failures() {
    for (const name of ['throws.cjs', 'object.cjs', 'nothing.cjs', 'later.cjs', 'destroyed.cjs', 'exits.cjs']) {
      const stream = heard(pino.transport({ target: target(name) }));
      const closed = new Promise((resolve) => stream.once('close', resolve));
      stream.write('a line\n');
      await closed;
      await wait(20);
      told.push(`${name}: ${stream.write('a line\n')}`, String(stream.closed));
      // Whether the error or the end comes first differs from run to run in pino.
      told.sort();
    }
  },
  async refused() {
    message(() => pino.transport({ target: 'a', targets: [] }));
    message(() => pino.transport({ target: 'there-is-no-such-package' }));
    message(() => pino.transport({ target: target('plain.cjs'), options: { call() {} } }));
    message(() => pino({ transport: process.stdout }));
    message(() => pino({ transport: pino.transport({ target: target('plain.cjs'), options: { to: file('x') } }) }));
    message(() => pino({ formatters: { level: () => ({}) }, transport: { targets: [{ target: 'a' }, { target: 'b' }] } }));
  },
};

scenarios[scenario]().then(() => process.stdout.write(JSON.stringify(told), () => process.exit()));
