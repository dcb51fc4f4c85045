/** The zone of whoever reads, by name, such as `Europe/Berlin`. */
export const readersZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

const ISO = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z/g;

const parts = (iso: string, zone: string): Readonly<Record<string, string>> => {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  });
  return Object.fromEntries(format.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
};

/** `2026-03-01 14:22:05 CET` */
export const moment = (iso: string, zone = readersZone()): string => {
  const { year, month, day, hour, minute, second, timeZoneName } = parts(iso, zone);
  return `${year}-${month}-${day} ${hour}:${minute}:${second} ${timeZoneName}`;
};

/** `2026-03-01 14:22`, for a list that names the zone once. */
export const shortMoment = (iso: string, zone = readersZone()): string => {
  const { year, month, day, hour, minute } = parts(iso, zone);
  return `${year}-${month}-${day} ${hour}:${minute}`;
};

/** `14:22:05`, for a story that names day and zone once. */
export const clockTime = (iso: string, zone = readersZone()): string => {
  const { hour, minute, second } = parts(iso, zone);
  return `${hour}:${minute}:${second}`;
};

/** A sentence of the service with its times in the reader's zone. */
export const withReadersTimes = (sentence: string, zone = readersZone()): string =>
  sentence.replaceAll(ISO, (iso) => (Number.isNaN(Date.parse(iso)) ? iso : moment(iso, zone)));

/** `0.6 s`, `12 s`, `3 min 20 s` */
export const duration = (ms: number): string => {
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min${seconds % 60 === 0 ? '' : ` ${seconds % 60} s`}`;
};
