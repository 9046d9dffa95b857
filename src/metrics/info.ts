// Info metrics: what does not change while a process runs, as labels of one series with value 1: a version, a commit. App
// threads; cold.
import { checkStandalone, type StandaloneOptions } from './declaration.js';
import { Declared, declaredBy, takeRemoved } from './declared.js';
import type { InfoOptions } from './kind-options.js';
import type { LabelValues } from './labels.js';
import { type Bound, joinRegistries, Metric } from './metric.js';

/** Options of `new Info`: `help` may be left out, or be called `description`. */
export type NewInfoOptions<N extends string = string> = Omit<InfoOptions<N>, 'help'> & StandaloneOptions<Info<N>>;

/** The series of an info: there is nothing to do with it, it is shown. */
class InfoSeries implements Bound {
  toJSON(): unknown {
    return { info: true };
  }
}

/**
 * Labels that say what this process is, in one series whose value is 1. In OpenMetrics family `x` has the sample `x_info`, in text
 * it is a gauge `x_info`. What several threads say is one series if it is the same, and what was said last if not.
 */
export class Info<N extends string = string> extends Metric<Bound> {
  /**
   * An info that is in no registry yet, or in those of `registers`; `registry.info` makes one and gives the same one to whoever
   * asks again.
   * @throws KymoError `KYMO_METRICS_DECLARATION` for a bad name, label name or option.
   */
  constructor(options: NewInfoOptions<N>);
  /** @internal */
  constructor(declared: Declared);
  constructor(given: NewInfoOptions<N> | Declared) {
    super(declaredBy(given instanceof Declared ? given : checkStandalone('info', given)));
    if (!(given instanceof Declared)) joinRegistries(this, given.registers);
  }

  /**
   * Shows these labels, in place of those that any thread showed before. A value that cannot be shown leaves nothing, counted as a
   * drop. About 20 us.
   * @throws KymoError `KYMO_METRICS_LABELS` for labels that were not declared, or missing ones; nothing is changed then.
   */
  set(labels: LabelValues<N>): void {
    const texts = this.textsOf(labels);
    // What another thread took away must not be found as if it were shown.
    takeRemoved();
    for (const { values } of this.series()) {
      if (values !== undefined && !(texts !== undefined && values.every((value, at) => value === texts[at]))) this.remove(...values);
    }
    this.placeOf(labels);
  }

  /** The labels that are shown, whichever thread said so; undefined before the first. */
  get(): Readonly<Record<N, string>> | undefined {
    const values = this.series()[0]?.values;
    return values === undefined ? undefined : (this.labelsOf(values) as Readonly<Record<N, string>>);
  }

  protected override get keepsRemoved(): boolean {
    return false;
  }

  protected bind(): Bound {
    return new InfoSeries();
  }

  protected refused(): Bound {
    return new InfoSeries();
  }

  protected expire(): void {}
}
