import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/**
 * Says at the very end how many tests passed and failed, on a line of its own. A file that could not be run, an error outside of every test
 * and a run that was cut short count as a failure each: nothing that went wrong is hidden by a good-looking count.
 */
// A class, because vitest makes its reporters with `new`.
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: TestRunEndReason): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const count = (wanted: string): number => states.filter((state) => state === wanted).length;
    const unrun = modules.filter((module) => module.errors().length > 0).length;
    const failed = count('failed') + unrun + errors.length + (reason === 'interrupted' ? 1 : 0);
    const skipped = count('skipped') + count('pending');
    process.stdout.write(`${skipped > 0 ? `${skipped} did not run\n` : ''}${count('passed')} passed, ${failed} failed\n`);
  }
}
