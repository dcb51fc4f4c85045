import { z } from 'zod';
import { parseEgressRule } from '../agent/egress-rules.ts';
import { type Place, readPlace } from '../telegram/place.ts';

/** Parsers of values that only this service's own variables have. No message repeats the value. */

const PLACEHOLDERS: ReadonlySet<string> = new Set(['task_id', 'intent', 'repo', 'branch', 'trigger_user']);

export const agentTemplate = z
  .string()
  .max(4_000, { error: 'must have at most 4000 characters' })
  .refine((text) => [...text.matchAll(/\{\{([^{}]{0,100})\}\}/g)].every(([, name]) => PLACEHOLDERS.has(name ?? '')), {
    error: `may only hold the placeholders ${[...PLACEHOLDERS].map((name) => `{{${name}}}`).join(' ')}`,
  });

export const agentModel = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,99}$/, { error: 'must be the name of a model, such as gpt-5.5' });

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?';

export const listenAddress = z
  .string()
  .regex(new RegExp(`^(?:${NAME}|[0-9A-Fa-f:]{2,45})$`), { error: 'must be an address or a host name, without a port' });

export const serverName = z
  .string()
  .regex(new RegExp(`^${NAME}(?::[0-9]{1,5})?$`), { error: 'must be a host name, such as github.com' });

const isDecodable = (text: string): boolean => {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
};

/** With user and password where the server asks for them: then the password is a secret. */
export const connectionString = z
  .string()
  .max(2_000)
  .regex(/^(?:esdb|kurrentdb|kurrent)(?:\+discover)?:\/\/(?:[^\s/@:]+:[^\s/@]+@)?[A-Za-z0-9.:,[\]-]+\/?(?:\?[^\s]*)?$/, {
    error: 'must be a connection string such as esdb://localhost:2113?tls=false',
  })
  .refine(isDecodable, { error: 'has a percent sign that stands for nothing: in a user or password it is written %25' });

/** `s3://bucket` or `s3://bucket/prefix`, as a bucket and a prefix without slashes at its ends. */
export const objectStore = z
  .string()
  .max(1_000)
  .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:\/[A-Za-z0-9._-]+)*\/?$/, {
    error: 'must be s3://bucket or s3://bucket/prefix',
  })
  .transform((text) => {
    const [, , bucket = '', ...prefix] = text.split('/');
    return { bucket, prefix: prefix.filter((part) => part !== '').join('/') };
  });

export const webAddress = z.string().refine((text) => /^https?:\/\//.test(text) && URL.canParse(text), {
  error: 'must be an address that begins with https:// or http://',
});

const PATH = /^(?:\/|~\/)[^\0]{1,1000}$/;

export const filePath = z.string().regex(PATH, { error: 'must be a path that begins with / or ~/' });

/** A daemon over TCP would not see the folders that are mounted into its containers. */
export const dockerSocket = z
  .string()
  .regex(/^(?:unix:\/\/)?\/[^\0]{1,1000}$/, { error: 'must be a socket of this machine, such as unix:///run/docker.sock' })
  .transform((text) => text.replace(/^unix:\/\//, ''));

export const loginPath = z.string().regex(PATH, { error: 'must be paths that begin with / or ~/, separated by commas' });

const isEgressRule = (line: string): boolean => {
  try {
    parseEgressRule(line, 'operator');
    return true;
  } catch {
    return false;
  }
};

export const egressHost = z
  .string()
  .refine(isEgressRule, { error: 'must be hosts as name, name:port, *.suffix or *.suffix:port, separated by commas' });

export const botToken = z.string().regex(/^[0-9]{5,16}:[A-Za-z0-9_-]{30,60}$/, {
  error: 'must be a token as @BotFather shows it: digits, a colon, then letters',
});

/** What Telegram takes as one. */
export const webhookSecret = z
  .string()
  .regex(/^[A-Za-z0-9_-]{8,256}$/, { error: 'must be 8 to 256 letters, digits, dashes and underscores' });

export const telegramPlace = z.string().transform((text, context): Place => {
  const place = readPlace(text);
  if (place?.chat.startsWith('-')) return place;
  context.addIssue({
    code: 'custom',
    message: 'must be the id of a group, such as -1001234567890, or with a topic -1001234567890/7',
  });
  return z.NEVER;
});
