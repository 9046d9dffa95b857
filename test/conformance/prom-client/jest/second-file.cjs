// A second test file: Jest gives it a module registry and a context of its own, in the same process.
const client = require('kymo/prom-client');

it('sees nothing of the first file', async () => {
  await expect(client.register.metrics()).resolves.toBe('\n');
  new client.Counter({ name: 'required_total', help: 'h' }).inc();
  await expect(client.register.metrics()).resolves.toContain('required_total 1\n');
});
