// The symbols under which a logger keeps its state, by pino's names: fastify, pino-http and others read and replace what lies there. Any thread.

export const setLevelSym = Symbol('pino.setLevel');
export const getLevelSym = Symbol('pino.getLevel');
export const levelValSym = Symbol('pino.levelVal');
export const levelCompSym = Symbol('pino.levelComp');
export const useLevelLabelsSym = Symbol('pino.useLevelLabels');
export const mixinSym = Symbol('pino.mixin');
export const lsCacheSym = Symbol('pino.lsCache');
export const chindingsSym = Symbol('pino.chindings');
export const asJsonSym = Symbol('pino.asJson');
export const writeSym = Symbol('pino.write');
export const serializersSym = Symbol.for('pino.serializers');
export const redactFmtSym = Symbol('pino.redactFmt');
export const timeSym = Symbol('pino.time');
export const timeSliceIndexSym = Symbol('pino.timeSliceIndex');
export const streamSym = Symbol('pino.stream');
export const stringifySym = Symbol('pino.stringify');
export const stringifySafeSym = Symbol('pino.stringifySafe');
export const stringifiersSym = Symbol('pino.stringifiers');
export const endSym = Symbol('pino.end');
export const formatOptsSym = Symbol('pino.formatOpts');
export const messageKeySym = Symbol('pino.messageKey');
export const errorKeySym = Symbol('pino.errorKey');
export const nestedKeySym = Symbol('pino.nestedKey');
export const wildcardFirstSym = Symbol('pino.wildcardFirst');
export const needsMetadataGsym = Symbol.for('pino.metadata');
export const useOnlyCustomLevelsSym = Symbol('pino.useOnlyCustomLevels');
export const formattersSym = Symbol.for('pino.formatters');
export const hooksSym = Symbol.for('pino.hooks');
export const nestedKeyStrSym = Symbol('pino.nestedKeyStr');
export const mixinMergeStrategySym = Symbol('pino.mixinMergeStrategy');
export const msgPrefixSym = Symbol('pino.msgPrefix');
export const transportUsesMultistreamSym = Symbol.for('pino.transport.usesMultistream');

/** `pino.symbols`. */
export const symbols = {
  setLevelSym,
  getLevelSym,
  levelValSym,
  levelCompSym,
  useLevelLabelsSym,
  mixinSym,
  lsCacheSym,
  chindingsSym,
  asJsonSym,
  writeSym,
  serializersSym,
  redactFmtSym,
  timeSym,
  timeSliceIndexSym,
  streamSym,
  stringifySym,
  stringifySafeSym,
  stringifiersSym,
  endSym,
  formatOptsSym,
  messageKeySym,
  errorKeySym,
  nestedKeySym,
  wildcardFirstSym,
  needsMetadataGsym,
  useOnlyCustomLevelsSym,
  formattersSym,
  hooksSym,
  nestedKeyStrSym,
  mixinMergeStrategySym,
  msgPrefixSym,
  transportUsesMultistreamSym,
};
