import { z } from 'zod';
import type { Api } from '../api.ts';
import { type Desk, shown } from '../desk.ts';
import { Failure } from '../failure.ts';
import { PeopleAnswer, people } from './task-documents.ts';

export type Person = z.infer<typeof PeopleAnswer>['people'][number];

/** Name and meaning of the argument that says who is meant. */
export const PERSON = ['<person>', 'an id, the beginning of it, or a name that only one person has'] as const;

export const Stored = z.object({ position: z.string().nullable() });

/** Paints the titles of a table. */
export const faintHeader =
  ({ terminal }: Desk) =>
  (text: string, row: number): string =>
    row < 0 ? terminal.ink('faint', text) : text;

/** The one person that was meant: by id, by the beginning of it, or by name. Throws `Failure`. */
export const personOf = async (api: Api, typed: string): Promise<Person> => {
  const all = shown(await people(api), PeopleAnswer).people;
  const id = typed.startsWith('person-') ? typed : `person-${typed}`;
  const exact = all.filter(({ personId, name }) => personId === typed || name === typed);
  const found = exact.length > 0 ? exact : all.filter(({ personId }) => typed.length >= 6 && personId.startsWith(id));
  const [person, another] = found;
  if (person === undefined) throw new Failure('There is no such person. List them with "countersign person list".');
  if (another !== undefined) throw new Failure('More than one person is called so. Give the id, from "countersign person list".');
  return person;
};
