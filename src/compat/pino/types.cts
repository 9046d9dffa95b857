// The types of `kymo/pino`. Declarations only. Any thread.
declare function pino(options?: object, destination?: object): unknown;
declare namespace pino {
  export { pino as default, pino };
}
export = pino;
