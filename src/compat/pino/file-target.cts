// The transport target `pino/file`: writes lines into a file or descriptor as they come. A transport's worker thread.
import events = require('node:events');
import made = require('./destination.js');

/** As pino's: `destination` is a path or a descriptor, stdout unless given; the rest is as for `pino.destination`. */
async function fileTarget(options: { destination?: string | number } & made.DestinationOptions = {}): Promise<made.Destination> {
  const { destination, ...rest } = options;
  const stream = made.destination({ ...rest, dest: destination || 1, sync: false });
  await events.once(stream, 'ready');
  return stream;
}

export = fileTarget;
