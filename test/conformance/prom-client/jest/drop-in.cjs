// A user's Jest tests, on `kymo/prom-client`: required, with fake timers, spied on, replaced, mocked, and loaded anew.
const client = require('kymo/prom-client');

afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
  client.register.clear();
});

describe('prom-client under Jest', () => {
  it('is required', async () => {
    new client.Counter({ name: 'required_total', help: 'h' }).inc(3);
    await expect(client.register.metrics()).resolves.toBe('# HELP required_total h\n# TYPE required_total counter\nrequired_total 3\n');
  });

  it('is one with its files', () => {
    expect(require('kymo/prom-client/lib/registry.js')).toBe(client.Registry);
    expect(require('kymo/prom-client/lib/registry').globalRegistry).toBe(client.register);
  });

  it('takes the time of fake timers', () => {
    jest.useFakeTimers({ now: 1_700_000_000_000 });
    const seconds = new client.Histogram({ name: 'slow_seconds', help: 'h' });
    const end = seconds.startTimer();
    jest.advanceTimersByTime(2500);
    expect(end()).toBe(2.5);
    const gauge = new client.Gauge({ name: 'now_seconds', help: 'h' });
    gauge.setToCurrentTime();
    return expect(gauge.get()).resolves.toMatchObject({ values: [{ value: 1_700_000_002.5 }] });
  });

  it('has exports that are spied on and replaced', () => {
    const pushed = jest.spyOn(client.Pushgateway.prototype, 'push').mockResolvedValue({ body: 'kept here' });
    const counted = jest.spyOn(client.Counter.prototype, 'reset');
    const made = jest.spyOn(client, 'Counter').mockImplementation(() => ({ inc: () => 'mocked' }));
    expect(new client.Counter({ name: 'x', help: 'h' }).inc()).toBe('mocked');
    expect(made).toHaveBeenCalledTimes(1);
    expect(counted).not.toHaveBeenCalled();
    const gateway = new client.Pushgateway('http://127.0.0.1:1');
    return expect(gateway.push({ jobName: 'j' }).finally(() => expect(pushed).toHaveBeenCalledTimes(1))).resolves.toEqual({
      body: 'kept here',
    });
  });

  it('reads the process that a test pretends', async () => {
    jest.spyOn(process, 'cpuUsage').mockReturnValueOnce({ user: 0, system: 0 }).mockReturnValue({ user: 1_500_000, system: 500_000 });
    client.collectDefaultMetrics();
    await expect(client.register.getSingleMetricAsString('process_cpu_seconds_total')).resolves.toBeDefined();
    const text = await client.register.metrics();
    expect(text).toContain('\nprocess_cpu_user_seconds_total 1.5\n');
    expect(text).toContain('\nprocess_cpu_seconds_total 2\n');
  });

  it('pushes through the http that a test mocks', async () => {
    jest.resetModules();
    const { EventEmitter } = require('node:events');
    const asked = [];
    jest.doMock('http', () => ({
      ...jest.requireActual('http'),
      request: (options, answer) => {
        asked.push([options.method, options.path]);
        const request = Object.assign(new EventEmitter(), { write: (body) => asked.push(body), end: () => reply() });
        const reply = () => {
          const response = Object.assign(new EventEmitter(), { statusCode: 200, setEncoding: () => undefined });
          answer(response);
          response.emit('end');
        };
        return request;
      },
    }));
    const fresh = require('kymo/prom-client');
    new fresh.Gauge({ name: 'pushed', help: 'h' }).set(7);
    await new fresh.Pushgateway('http://gateway.test:9091').pushAdd({ jobName: 'a b', groupings: { host: 'x/y' } });
    expect(asked).toEqual([['POST', '/metrics/job/a%20b/host/x%2Fy'], '# HELP pushed h\n# TYPE pushed gauge\npushed 7\n']);
  });

  it('begins empty when modules are loaded anew, any number of times', async () => {
    const others = new Set([client]);
    for (let load = 0; load < 50; load++) {
      jest.resetModules();
      const fresh = require('kymo/prom-client');
      expect(others.has(fresh)).toBe(false);
      others.add(fresh);
      new fresh.Counter({ name: 'again_total', help: 'h', labelNames: ['a'] }).inc({ a: 'b' });
      await expect(fresh.register.metrics()).resolves.toBe('# HELP again_total h\n# TYPE again_total counter\nagain_total{a="b"} 1\n');
    }
  });
});
