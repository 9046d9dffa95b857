// Time on a core, of the calling program. What other programs take from it does not count.
import { readFileSync } from 'node:fs';

/** Time that this process's main thread spent on a core, in ns. Linux counts it per thread; elsewhere it is that of the process. */
export function mainThreadNs(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]);
  } catch {
    return processNs();
  }
}

/** Time that all threads of this process spent on a core, in ns. */
export function processNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}
