import { expect } from 'vitest';
import type { Kind } from '../../src/domain/decider.ts';
import type { Command, Fact, Happened } from '../../src/domain/event.ts';
import type { RefusalCode } from '../../src/domain/refusals.ts';

/** Events one by one or as ready-made histories. */
export type History = readonly (Happened | readonly Happened[])[];

/** The state that a history leads to. */
export const folded = <State>(kind: Kind<State>, ...history: History): State =>
  (history.flat() as Happened[]).reduce(kind.evolve, kind.initialState);

/** Facts as events of the stream, said by the command that made them. */
export const happenedBy = (facts: readonly Fact[], { actor, at }: Pick<Command, 'actor' | 'at'>): Happened[] =>
  facts.map((fact) => ({ ...fact, actor, at }));

const parsed = (kind: Kind<never>, fact: Fact): Fact => ({ type: fact.type, data: kind.events[fact.type]?.parse(fact.data) });

/** `given(kind, events).when(command).yields(events)`: what a decider makes of a command after a history. */
export const given = <State>(kind: Kind<State>, ...history: History) => ({
  when: (command: Command) => {
    const decide = () => {
      const known = { ...command, data: kind.commands[command.type]?.parse(command.data) };
      return kind.decide(known, folded(kind, ...history));
    };
    return {
      /** Exactly these facts, each of the stored shape. Without any: it is so already. */
      yields: (...expected: readonly Happened[]): void => {
        const facts = decide();
        expect(facts).toEqual(expected.map(({ type, data }) => ({ type, data })));
        expect(facts.map((fact) => parsed(kind as Kind<never>, fact))).toEqual(facts);
      },
      refuses: (code: RefusalCode): void => {
        expect(decide).toThrow(expect.objectContaining({ name: 'DomainError', code }));
      },
      /** The state after it, for what the facts alone do not say. */
      leadsTo: (): State => folded(kind, ...history, happenedBy(decide(), command)),
    };
  },
});
