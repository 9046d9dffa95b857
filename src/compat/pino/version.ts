// The version of pino that `kymo/pino` is like. Any thread.
export const VERSION = '10.4.0';
