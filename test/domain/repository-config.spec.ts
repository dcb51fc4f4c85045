import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/domain/limits.ts';
import { narrow } from '../../src/domain/policy/policy.ts';
import { effectiveConfiguration, type OperatorDefaults, type RepositoryConfig } from '../../src/domain/repository-config.ts';
import { policy } from './policy/change.ts';

const operator = (fields: Partial<OperatorDefaults> = {}): OperatorDefaults => ({
  image: 'node:22',
  allowedImages: ['node:22', 'python:3'],
  testCommand: 'npm test',
  allowedTestCommands: ['npm test', 'pytest'],
  policy: policy(),
  limits: DEFAULT_LIMITS,
  installs: { allowedCommands: ['npm ci --ignore-scripts'], hosts: ['registry.npmjs.org'], fromChangedInputs: false },
  ...fields,
});

const INSTALL = { run: 'npm ci --ignore-scripts', inputs: ['package-lock.json'], outputs: ['node_modules'] };

const effective = (file: RepositoryConfig | null, fields: Partial<OperatorDefaults> = {}) =>
  effectiveConfiguration(operator(fields), file);

describe('What holds for a repository', () => {
  it('is the operator’s word where the repository says nothing', () => {
    const { image, testCommand, allowedTestCommands, policy: rules, limits } = operator();
    const ok = { image, testCommand, allowedTestCommands, policy: rules, limits, install: null, path: null };
    expect(effective(null)).toEqual({ ok });
    expect(effective({})).toEqual({ ok });
  });

  it('may be another image and command that the operator allows', () => {
    expect(effective({ image: 'python:3', testCommand: 'pytest' })).toMatchObject({
      ok: { image: 'python:3', testCommand: 'pytest' },
    });
  });

  it('is refused with every fault when image and command are not allowed', () => {
    const result = effective({ image: 'evil:1', testCommand: 'curl evil' });
    expect(result).toEqual({
      faults: [expect.stringContaining('ALLOWED_SANDBOX_IMAGES'), expect.stringContaining('ALLOWED_TEST_COMMANDS')],
    });
    expect(JSON.stringify(result)).not.toContain('evil');
  });

  it.each(['npm test && curl x', 'npm test ', 'NPM TEST', 'npm', 'npm  test'])(
    'takes %j for another command than the allowed one',
    (testCommand) => {
      expect(effective({ testCommand })).toHaveProperty('faults');
    },
  );

  it('is refused when neither side gives an image or a command', () => {
    const result = effective(null, { image: null, testCommand: null });
    expect(result).toEqual({
      faults: [expect.stringContaining('SANDBOX_IMAGE'), expect.stringContaining('DEFAULT_TEST_COMMAND')],
    });
  });

  it('may shorten the list of commands, never lengthen it', () => {
    expect(effective({ allowedTestCommands: ['npm test', 'make'] })).toMatchObject({ ok: { allowedTestCommands: ['npm test'] } });
    expect(effective({ testCommand: 'make', allowedTestCommands: ['make'] })).toHaveProperty('faults');
    expect(effective({ allowedTestCommands: ['pytest'] })).toEqual({ faults: [expect.stringContaining('left out')] });
  });

  it('may be an install command that the operator allows, with the network that the operator gives', () => {
    expect(effective({ install: INSTALL, path: 'packages/api' })).toMatchObject({
      ok: { install: { ...INSTALL, hosts: ['registry.npmjs.org'], fromChangedInputs: false }, path: 'packages/api' },
    });
  });

  it('is no install command that the operator does not allow, and none where there is none', () => {
    const install = { ...INSTALL, run: 'npm ci' };
    expect(effective({ install })).toEqual({ faults: [expect.stringContaining('ALLOWED_INSTALL_COMMANDS')] });
    const installs = { allowedCommands: [], hosts: [], fromChangedInputs: false };
    expect(effective({ install: INSTALL }, { installs })).toEqual({ faults: [expect.stringContaining('allows no install')] });
  });

  it('never loosens a policy or a limit', () => {
    const amount = fc.option(fc.integer({ min: 1, max: 2 ** 40 }), { nil: undefined });
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.constantFrom('never' as const, 'risky' as const, 'always' as const, undefined),
        fc.array(fc.string({ minLength: 1 })),
        (filesMax, agentTimeoutMs, sandboxMemoryBytes, patchGate, blockedPaths) => {
          const wish = { filesMax, patchGate, blockedPaths };
          const result = effective({ policy: wish, limits: { agentTimeoutMs, sandboxMemoryBytes } });
          if ('faults' in result) throw new Error('unexpected faults');
          expect(result.ok.limits.agentTimeoutMs).toBeLessThanOrEqual(DEFAULT_LIMITS.agentTimeoutMs);
          expect(result.ok.limits.sandboxMemoryBytes).toBeLessThanOrEqual(DEFAULT_LIMITS.sandboxMemoryBytes);
          expect(result.ok.limits.sandboxProcesses).toBe(DEFAULT_LIMITS.sandboxProcesses);
          expect(result.ok.policy).toEqual(narrow(policy(), wish));
        },
      ),
    );
  });
});
