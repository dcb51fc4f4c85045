import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They play the whole service for minutes on end, and load every processor. */
const LABORATORIES = ['/chaos/chaos.test.ts', '/soak/soak.test.ts', '/chaos/mutants.test.ts'];

const isLaboratory = ({ moduleId }: TestSpecification): boolean => LABORATORIES.some((name) => moduleId.endsWith(name));

/**
 * Large files first, as vitest has it where it knows no times; the laboratories evenly among them, so that none meets another or runs alone at the
 * end; then the specs, which are quick.
 */
export default class Sequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const laboratories = sorted.filter(isLaboratory);
    const specs = sorted.filter(({ project }) => project.name === 'spec');
    const tests = sorted.filter((file) => !laboratories.includes(file) && !specs.includes(file));
    const share = Math.ceil(tests.length / Math.max(1, laboratories.length));
    const spread = laboratories.flatMap((file, index) => [file, ...tests.slice(index * share, (index + 1) * share)]);
    return [...(laboratories.length === 0 ? tests : spread), ...specs];
  }
}
