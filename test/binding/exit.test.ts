// The marks that JavaScript sets when its process ends; the ends themselves are in test/recorder/recover.test.ts.
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { markEnds } from '../../src/binding/exit.js';
import { EXIT_CLEAN, EXIT_UNCAUGHT } from '../../src/binding/generated/layout.js';

function ending(captured = false): { marks: number[][]; emitter: EventEmitter } {
  const marks: number[][] = [];
  const emitter = Object.assign(new EventEmitter(), { hasUncaughtExceptionCaptureCallback: () => captured });
  markEnds({ markExit: (state, detail) => marks.push([state, detail]) }, emitter as unknown as NodeJS.Process);
  return { marks, emitter };
}

describe('the mark of the end', () => {
  it('[T1] is clean with the exit code', () => {
    const { marks, emitter } = ending();
    emitter.emit('exit', 3);
    expect(marks).toEqual([[EXIT_CLEAN, 3]]);
  });

  it('[T1] is set as soon as an exception is known to be uncaught, and kept with the code that follows', () => {
    const { marks, emitter } = ending();
    emitter.emit('uncaughtExceptionMonitor', new Error('x'), 'uncaughtException');
    expect(marks).toEqual([[EXIT_UNCAUGHT, 1]]);
    emitter.emit('exit', 7);
    expect(marks.at(-1)).toEqual([EXIT_UNCAUGHT, 7]);
  });

  it('[T1] is not set by an exception that a handler or a capture callback takes', () => {
    const { marks, emitter } = ending();
    emitter.on('uncaughtException', () => {});
    emitter.emit('uncaughtExceptionMonitor', new Error('x'), 'uncaughtException');
    expect(marks).toEqual([]);
    emitter.emit('exit', 0);
    expect(marks).toEqual([[EXIT_CLEAN, 0]]);
    const capturing = ending(true);
    capturing.emitter.emit('uncaughtExceptionMonitor', new Error('x'), 'uncaughtException');
    expect(capturing.marks).toEqual([]);
  });
});
