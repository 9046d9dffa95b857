// `pino(options, destination)`: makes a root logger. App threads.
import { destination, multistream, stdSerializers, transport } from './surroundings.js';
import { symbols } from './symbols.js';
import { stdTimeFunctions } from './time-functions.js';

/** Makes a logger. */
export function pino(): { info(message: string): void } {
  const stream = destination();
  return { info: (message) => void stream.write(`{"level":30${stdTimeFunctions.epochTime()},"msg":${JSON.stringify(message)}}\n`) };
}

Object.assign(pino, { destination, transport, multistream, stdSerializers, stdTimeFunctions, symbols });
