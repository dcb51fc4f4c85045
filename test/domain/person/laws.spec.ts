import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDispatch } from '../../../src/commands/dispatch.ts';
import { createPeople } from '../../../src/commands/people.ts';
import { createStreams } from '../../../src/commands/streams.ts';
import { sha256 } from '../../../src/domain/canonical.ts';
import { type ChatCommand, chatIdOf, chatKind } from '../../../src/domain/chat/index.ts';
import { type Command, hashHolds } from '../../../src/domain/event.ts';
import type { PersonCommand } from '../../../src/domain/person/commands.ts';
import { personKind } from '../../../src/domain/person/index.ts';
import { DomainError } from '../../../src/domain/refusals.ts';
import { memoryLog } from '../memory-log.ts';
import { ANNA, minutesAfter, NOON, TOMORROW, text, uuid } from '../task/samples.ts';

const personId = ANNA;
const channel = 'telegram' as const;
const chatId = chatIdOf(channel, '-4711');
const role = fc.constantFrom('viewer', 'admin');
const few = fc.constantFrom('one', 'two', 'three');
const subject = fc.constantFrom('4711', '4712');
const group = fc.constantFrom('-4711', '-1004711');

/** Any of what can be said of a person or a chat; of a person being erased rarely, for nothing comes after it. */
const anyCommand: fc.Arbitrary<PersonCommand | ChatCommand> = fc.oneof(
  fc.record({ type: fc.constant('AddPerson' as const), data: fc.constant({ personId, name: text('Anna') }) }),
  fc.record({
    type: fc.constantFrom('GrantRole' as const, 'RevokeRole' as const),
    data: role.map((held) => ({ personId, role: held as 'viewer' | 'admin', repositories: '*' })),
  }),
  few.map((name) => ({
    type: 'IssueToken' as const,
    data: { personId, tokenId: uuid(name), name: text(name), tokenHash: sha256(name), expiresAt: null },
  })),
  few.map((name) => ({ type: 'RecordTokenUse' as const, data: { personId, tokenId: uuid(name), day: '2026-11-21' } })),
  few.map((name) => ({ type: 'RevokeToken' as const, data: { personId, tokenId: uuid(name) } })),
  subject.map((one) => ({ type: 'LinkIdentity' as const, data: { personId, channel, subject: text(one) } })),
  subject.map((one) => ({ type: 'UnlinkIdentity' as const, data: { personId, channel, subject: one } })),
  few.map((name) => ({
    type: 'Invite' as const,
    data: { personId, invitationId: uuid(name), codeHash: sha256(name), channel, expiresAt: TOMORROW },
  })),
  fc.tuple(few, subject).map(([name, one]) => ({
    type: 'RedeemInvitation' as const,
    data: { personId, codeHash: sha256(name), channel, subject: text(one) },
  })),
  few.map((name) => ({ type: 'WithdrawInvitation' as const, data: { personId, invitationId: uuid(name) } })),
  group.map((one) => ({
    type: 'AllowChat' as const,
    data: { chatId, channel, subject: text(one), title: text('Engine room') },
  })),
  fc.constant({ type: 'ForbidChat' as const, data: { chatId } }),
  group.map((one) => ({ type: 'MoveChat' as const, data: { chatId, subject: text(one) } })),
  { weight: 1, arbitrary: fc.constant({ type: 'ErasePerson' as const, data: { personId } }) },
  { weight: 1, arbitrary: fc.constant<PersonCommand>({ type: 'ForgetPerson', data: { personId, revisions: [0] } }) },
);

describe('For any history of people and chats', () => {
  it('a command sent twice is carried out once, and the events form chains that hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyCommand, { minLength: 5, maxLength: 40, size: 'max' }), async (history) => {
        const { store, all } = memoryLog();
        const streams = createStreams(store);
        const dispatch = createDispatch({ store, streams, people: createPeople(streams), kinds: [personKind, chatKind] });
        const accepted: { readonly command: Command; readonly position: string | null }[] = [];
        for (const [step, said] of [
          { type: 'AddPerson', data: { personId, name: text('Anna') } } as const,
          ...history,
        ].entries()) {
          const sent = { ...said, id: uuid(`${step}`), actor: 'system:setup', channel: 'cli', at: minutesAfter(step, NOON) };
          try {
            const { events, position } = await dispatch(sent);
            if (events.length > 0) accepted.push({ command: sent, position });
          } catch (error) {
            expect(error).toBeInstanceOf(DomainError);
          }
        }
        const before = all();
        const { state } = await streams.load(personKind, personId);
        // The command that made a stream is decided again, and nobody is made anew who was erased.
        for (const { command, position } of accepted.slice(state?.standing === 'known' ? 0 : 1)) {
          expect(await dispatch(command)).toMatchObject({ events: [], position });
        }
        expect(all()).toEqual(before);
        const last = new Map<string, string>();
        for (const event of before) {
          expect(hashHolds(event)).toBe(true);
          expect(event.metadata.prevHash).toBe(last.get(event.stream) ?? '');
          last.set(event.stream, event.metadata.hash ?? '');
        }
      }),
      { numRuns: 100 },
    );
  });
});
