import type { OkayDokkiBatch } from './history.ts';
import { faultsOf, RECORDS_MAX, type Read, tooMany } from './reading.ts';
import { CHAT_LINES, OkayDokkiAuditLine, shortened } from './records.ts';

type NumberedLine = OkayDokkiBatch['audit'][number];

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const isChat = (value: unknown): boolean =>
  value !== null && typeof value === 'object' && 'eventType' in value && CHAT_LINES.includes(String(value.eventType));

const bounded = ({ message, agentLogs, ...line }: OkayDokkiAuditLine): OkayDokkiAuditLine => ({
  ...line,
  ...(message !== undefined && { message: shortened(message) }),
  ...(agentLogs !== undefined && { agentLogs: [shortened(agentLogs.join('\n'))] }),
});

/** What each line of an audit is, in their order. Empty lines do not count, lines about conversations are passed over. Throws `NotReadable`. */
export async function* readAuditLines(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Read<NumberedLine>> {
  const alike = new Map<string, number>();

  const numbered = (line: OkayDokkiAuditLine): NumberedLine => {
    const kind = `${line.taskId} ${line.eventType} ${line.timestamp}`;
    const repetition = alike.get(kind) ?? 0;
    alike.set(kind, repetition + 1);
    return { ...bounded(line), repetition };
  };

  let number = 0;
  for await (const text of texts) {
    const place = { file: 'audit', number: ++number } as const;
    if (number > RECORDS_MAX) throw tooMany('lines');
    if (text.trim() === '') continue;
    const value = jsonOf(text);
    const { data, error } = OkayDokkiAuditLine.safeParse(value);
    if (isChat(value)) yield { ...place, passedOver: true };
    else if (value === undefined) yield { ...place, faults: ['is no JSON, or was cut short'] };
    else if (data === undefined) yield { ...place, faults: faultsOf(error) };
    else yield { ...place, record: numbered(data) };
  }
}
