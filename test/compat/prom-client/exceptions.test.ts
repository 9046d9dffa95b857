// Where ours is not as prom-client, on purpose: series that it merges, labels that it holds, lines that come in by a value.
import { describe, expect, it } from 'vitest';
import * as ours from '../../../src/compat/prom-client/index.js';
import { type Client, original } from './original.js';

async function text(client: Client, labelNames: string[], record: (counter: InstanceType<Client['Counter']>) => void): Promise<string[]> {
  const registry = new client.Registry();
  record(new client.Counter({ name: 'c', help: 'h', labelNames, registers: [registry] }));
  return (await registry.metrics()).split('\n').slice(2, -1);
}

describe('exceptions', () => {
  const separators = (counter: InstanceType<Client['Counter']>): void => {
    counter.inc({ a: '1,b:2' });
    counter.inc({ a: '1', b: '2' });
  };
  const reused = (counter: InstanceType<Client['Counter']>): void => {
    const labels = { a: '1' };
    counter.inc(labels);
    labels.a = '2';
    counter.inc(labels);
  };
  const injected = (counter: InstanceType<Client['Counter']>): void => {
    counter.inc({ a: ['q"} 1\nevil 1\n\\'] });
  };

  it('keeps series apart whatever their values hold (rule 1)', async () => {
    expect(await text(ours, ['a', 'b'], separators)).toEqual(['c{a="1,b:2"} 1', 'c{a="1",b="2"} 1']);
  });

  it('shows the labels that were given, though the object changes later (rule 2)', async () => {
    expect(await text(ours, ['a'], reused)).toEqual(['c{a="1"} 1', 'c{a="2"} 1']);
  });

  it('does not follow labels that change after labels(), nor change what it handed out', async () => {
    const registry = new ours.Registry();
    const gauge = new ours.Gauge({ name: 'g', help: 'h', labelNames: ['a'], registers: [registry] });
    const labels = { a: '1' };
    gauge.set(labels, 1);
    const { values } = await gauge.get();
    labels.a = '2';
    expect(values).toEqual([{ value: 1, labels: { a: '1' } }]);
  });

  it('escapes values of every type, so that no value brings lines of its own (rule 3)', async () => {
    expect(await text(ours, ['a'], injected)).toEqual(['c{a="q\\"} 1\\nevil 1\\n\\\\"} 1']);
  });

  it.runIf(original)('are what the original does otherwise', async () => {
    const client = original as Client;
    expect(await text(client, ['a', 'b'], separators)).toEqual(['c{a="1,b:2"} 2']);
    expect(await text(client, ['a'], reused)).toEqual(['c{a="2"} 1', 'c{a="2"} 1']);
    expect(await text(client, ['a'], injected)).toContain('evil 1');
  });
});
