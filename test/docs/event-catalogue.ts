import type { z } from 'zod';
import { ArtifactRef } from '../../src/domain/artifact.ts';
import { Digest } from '../../src/domain/canonical.ts';
import { cardEvents } from '../../src/domain/card.ts';
import { chatEvents } from '../../src/domain/chat/index.ts';
import { Metadata } from '../../src/domain/event.ts';
import { historyEvents } from '../../src/domain/history/events.ts';
import { ObjectId, PersonId, RepositoryName, Uuid } from '../../src/domain/ids.ts';
import { InstallStep } from '../../src/domain/install-step.ts';
import { Limits } from '../../src/domain/limits.ts';
import { personEvents } from '../../src/domain/person/events.ts';
import { Policy, StoredPolicyReport } from '../../src/domain/policy/shapes.ts';
import { taskEvents } from '../../src/domain/task/events.ts';
import { Agent, Image, Prepared } from '../../src/domain/task/shapes.ts';
import { Text } from '../../src/domain/text.ts';
import { FIELD_MEANINGS } from './field-meanings.ts';

const PolicyItem = StoredPolicyReport.shape.violations.element;

/** Shapes with a name of their own; every other is written out where it stands. */
const NAMED = new Map<z.core.$ZodType, string>([
  [Text, '[Text](#text)'],
  [Uuid, 'UUID'],
  [Digest, 'digest'],
  [ObjectId, 'git object id'],
  [PersonId, 'person id'],
  [RepositoryName, 'string'],
  [ArtifactRef, '[ArtifactRef](#artifactref)'],
  [Prepared, '[Prepared](#prepared)'],
  [Agent, '[Agent](#agent)'],
  [Image, '[Image](#image)'],
  [InstallStep, '[InstallStep](#installstep)'],
  [Policy, '[Policy](#policy)'],
  [StoredPolicyReport, '[PolicyReport](#policyreport)'],
  [PolicyItem, '[PolicyItem](#policyitem)'],
  [Limits, '[Limits](#limits)'],
]);

const choices = (values: readonly unknown[]): string => values.map((value) => `\`${value}\``).join(', ');

const typeOf = (schema: z.core.$ZodType): string => {
  const named = NAMED.get(schema);
  if (named !== undefined) return named;
  const { def } = schema._zod as { readonly def: z.core.$ZodTypes['_zod']['def'] }; // The union of all that zod knows.
  switch (def.type) {
    case 'optional':
      return `${typeOf(def.innerType)}, may be absent`;
    case 'nullable':
      return `${typeOf(def.innerType)} or \`null\``;
    case 'array':
      return `list of ${typeOf(def.element)}`;
    case 'record':
      return `${typeOf(def.valueType)} by name`;
    case 'object':
      return `{ ${Object.entries(def.shape)
        .map(([name, inner]) => `${name}: ${typeOf(inner)}`)
        .join(', ')} }`;
    case 'enum':
      return choices(Object.values(def.entries));
    case 'literal':
      return choices(def.values);
    case 'number':
      return 'format' in def && def.format === 'safeint' ? 'integer' : 'number';
    case 'string':
      if (!('format' in def)) return 'string';
      return def.format === 'datetime' ? 'time' : def.format === 'date' ? 'day in UTC' : 'string';
    case 'boolean':
    case 'null':
      return def.type;
    default:
      throw new Error(`The catalogue does not know how to write a ${def.type}.`);
  }
};

const meaningOf = (event: string, field: string): string => {
  const meaning = FIELD_MEANINGS[`${event}.${field}`] ?? FIELD_MEANINGS[field];
  if (meaning === undefined) throw new Error(`Say in test/docs/field-meanings.ts what "${field}" of ${event} means.`);
  return meaning;
};

const eventSection = (name: string, schema: z.ZodObject): string => {
  const rows = Object.entries(schema.shape).map(
    ([field, type]) => `| \`${field}\` | ${typeOf(type)} | ${meaningOf(name, field)} |`,
  );
  const { description = '' } = schema.meta() ?? {};
  return [`### ${name}`, '', description, '', '| field | type | meaning |', '|---|---|---|', ...rows, ''].join('\n');
};

const shapeSection = (name: string, meaning: string, schema: z.ZodObject): string => {
  const rows = Object.entries(schema.shape).map(([field, type]) => `| \`${field}\` | ${typeOf(type)} |`);
  return [`### ${name}`, '', meaning, '', '| field | type |', '|---|---|', ...rows, ''].join('\n');
};

const HEAD = `# Events

Everything the service knows was once one of these. This page is written by \`npm run docs\` from the schemas in \`src/domain\`; a test
compares the two. Why it is so: [ADR 0002](adr/0002-stored-for-ever.md).

## Streams

\`task-<uuid>\` holds one task, \`person-<uuid>\` one person, \`chat-<uuid>\` one chat, \`history-<uuid>\` what an older service says of one of its tasks. Events are in the past tense and flat. Fields and events are added, never renamed or
taken away; whatever older code could not read raises the schema version, and code that meets a higher version than its own parks that stream and
goes on with the others. \`card-<uuid>\` holds where a task is shown in a chat; \`worker-\` streams hold heart-beats: no
facts, and no hashes. Neither is audited.

## Envelope

| part | meaning |
|---|---|
| \`id\` | UUIDv5 of the command's id and the event's index: a retry is the same event. |
| \`type\` | The name of the event. |
| \`data\` | Its fields, below. |
| \`metadata\` | Flat, strings only: ${choices(Object.keys(Metadata.shape))}. |

\`$correlationId\` is the command that began the story, \`$causationId\` what made this command be sent. \`actor\` is a person id or
\`system:<worker>\`, \`at\` the time in UTC with milliseconds, \`schema\` the version of the stored shape.

## Hashes

- *Canonical JSON* is RFC 8785; every digest is SHA-256 in lower-case hexadecimal.
- \`dataHash\` is the digest of the canonical JSON of \`data\` with each \`Text\` replaced by the digest of its own canonical JSON.
- \`hash\` is the digest of the canonical JSON of \`{ stream, revision, id, type, metadata, dataHash }\`, where \`metadata\` is all of it but \`hash\`.
- \`prevHash\` is the \`hash\` of the event before in the stream, empty at the first.
- Erasing turns a \`Text\` into \`{ "digest": … }\` and appends \`TextRedacted\`, \`PersonForgotten\`, \`CardForgotten\` or \`HistoryForgotten\`; every hash still holds.

## What an approval covers

\`approvalDigest\` is the digest of the canonical JSON of what the gate showed, with each \`Text\` as its digest, so it can be checked from the log alone,
also after an erasure. Intent gate: task, attempt, preparation, intent, clarifications, feedback, and all of \`Prepared\` with the policy by its digest.
Patch gate: task, attempt, branch, base commit, tree, patch digest, policy digest, policy report, and the verdict of the sandbox.

## Types

A *time* is ISO 8601 in UTC with milliseconds, a *digest* 64 and a *git object id* 40 or 64 hexadecimal digits.

### Text

Free text or personal data: \`{ text, salt }\`, or \`{ digest }\` once it was erased. The salt keeps the digest from being guessed.
`;

/** The whole of docs/events.md. */
export const eventCatalogue = (): string =>
  [
    HEAD,
    shapeSection('ArtifactRef', 'A file in the artifact folder, named by its content.', ArtifactRef),
    shapeSection('Prepared', 'Everything the stages of an attempt will use; what the intent gate shows.', Prepared),
    shapeSection('Agent', 'Who makes the change, and behind which walls.', Agent),
    shapeSection('Image', 'Where the tests run; `id` is the image’s own, not a tag.', Image),
    shapeSection('InstallStep', 'What is installed for the tests. Paths start where the test command runs.', InstallStep),
    shapeSection('Policy', 'The rules in force for one attempt.', Policy),
    shapeSection(
      'PolicyReport',
      'What policy found in a change. Each list is cut at 200; `omitted` says how many are left out.',
      StoredPolicyReport,
    ),
    shapeSection(
      'PolicyItem',
      'One finding; without a path it is about the whole change. The agent chose the names in it, so both can be erased.',
      PolicyItem,
    ),
    shapeSection('Limits', 'What one attempt may use.', Limits),
    '## Events of a task\n',
    ...Object.entries(taskEvents).map(([name, schema]) => eventSection(name, schema)),
    '## Events of a person\n',
    ...Object.entries(personEvents).map(([name, schema]) => eventSection(name, schema)),
    '## Events of a chat\n',
    ...Object.entries(chatEvents).map(([name, schema]) => eventSection(name, schema)),
    '## Events of a card\n',
    'Where a task is shown in a chat. Edits of messages are not recorded.\n',
    ...Object.entries(cardEvents).map(([name, schema]) => eventSection(name, schema)),
    '## Events of history\n',
    'What an older service says happened, as it said so. Nothing of it was proven here, and its people are labels.\n',
    ...Object.entries(historyEvents).map(([name, schema]) => eventSection(name, schema)),
  ].join('\n');
