// Program: measures the one row it is given and answers over IPC. The only thing its process does.
import { measure } from './measure.js';
import { findRow, type RowAnswer, type RowTask } from './row-parent.js';

const { file, name, settings } = JSON.parse(process.argv[2] as string) as RowTask;
const send = process.send?.bind(process);
if (send === undefined) throw new Error('row-process is started by the runner');

let answer: RowAnswer;
try {
  answer = { result: await measure(await findRow(file, name, settings), settings) };
} catch (error) {
  answer = { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
// An ended parent or a thread that is still there must not keep this process.
send(answer, () => process.exit('result' in answer ? 0 : 1));
