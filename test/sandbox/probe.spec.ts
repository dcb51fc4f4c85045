import { expect, it } from 'vitest';
import { hasBreakoutFixes } from '../../src/infra/sandbox/probe.ts';

it.each([
  ['1.1.5+ds1', false],
  ['1.2.7', false],
  ['1.2.8', true],
  ['1.3.0', false],
  ['1.3.2', false],
  ['1.3.3', true],
  ['1.4.0-rc.2', false],
  ['1.4.0-rc.3', true],
  ['1.4.0', true],
  ['2.0.0', true],
  ['0.1.1', false],
  ['of unknown version', false],
])('knows whether runc %s has the fixes of the break-outs of 2025: %s', (version, fixed) => {
  expect(hasBreakoutFixes(version)).toBe(fixed);
});
