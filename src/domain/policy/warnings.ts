import {
  isAgentOrEditorConfiguration,
  isContinuousIntegration,
  isDependencyManifest,
  isLockFile,
  isTest,
  isTestConfiguration,
} from './file-kinds.ts';
import { isDeceptive } from './path-name.ts';
import { isBinary, perEntry, perFinding, type Rule } from './rule.ts';

const EXECUTABLE = '100755';

const likelySecret = perFinding('likely_secret', (lines) => `An added line looks like a password or a token${lines}.`);

const bidirectionalControl = perFinding(
  'bidirectional_control',
  (lines) => `Added lines hold controls that change the direction of text${lines}: what is shown may not be what runs.`,
);

const invisibleCharacter = perFinding('invisible_character', (lines) => `Added lines hold characters nobody can see${lines}.`);

const deceptiveName = perEntry(
  'deceptive_name',
  ({ path }) =>
    isDeceptive(path) && 'The name holds invisible characters or mixes alphabets: it may not be the name it looks like.',
);

const executableBit = perEntry(
  'executable_bit',
  ({ oldMode, newMode }) => newMode === EXECUTABLE && oldMode !== EXECUTABLE && 'The file becomes executable.',
);

const continuousIntegration = perEntry(
  'continuous_integration',
  ({ components }) => isContinuousIntegration(components) && 'It decides what a build elsewhere runs, possibly with secrets.',
);

const agentOrEditorConfiguration = perEntry(
  'agent_or_editor_configuration',
  ({ components }) =>
    isAgentOrEditorConfiguration(components) && 'It steers coding agents, editors or hooks on the machines of others.',
);

const lifecycleScript = perFinding(
  'lifecycle_script',
  (lines) => `A script that runs by itself on install or publish is set${lines}.`,
);

const lockfileHost = perFinding('lockfile_host', (lines) => `A package comes from an unusual place${lines}.`);

const dependencyManifest = perEntry(
  'dependency_manifest',
  ({ components }) => isDependencyManifest(components) && 'Dependencies or build scripts may change.',
);

const lockFile = perEntry('lock_file', ({ components }) => isLockFile(components) && 'Locked dependencies change.');

const testScript = perFinding('test_script', (lines) => `The script that runs the tests is set${lines}.`);

const testNeutered = perFinding('test_neutered', (lines) => `A test is skipped, or the others are${lines}.`);

const testDeleted = perEntry(
  'test_deleted',
  ({ components, kind }) => kind === 'deleted' && isTest(components) && 'A test is deleted.',
);

const testChanged = perEntry(
  'test_changed',
  ({ components, kind }) =>
    (kind === 'modified' || kind === 'type_changed') && isTest(components) && 'A test that was there before is changed.',
);

const testConfiguration = perEntry(
  'test_configuration',
  ({ components }) => isTestConfiguration(components) && 'It decides which tests run, or how.',
);

const binaryAllowed = perEntry(
  'binary_file',
  (entry, { policy }) =>
    policy.binaryFiles === 'allow' && isBinary(entry) && 'It is a binary file: its content cannot be reviewed as text.',
);

/** Each calls for a person where the gate is `risky`. */
export const WARNINGS: readonly Rule[] = [
  likelySecret,
  bidirectionalControl,
  invisibleCharacter,
  deceptiveName,
  continuousIntegration,
  agentOrEditorConfiguration,
  lifecycleScript,
  lockfileHost,
  executableBit,
  testDeleted,
  testNeutered,
  testScript,
  testConfiguration,
  testChanged,
  dependencyManifest,
  lockFile,
  binaryAllowed,
];
