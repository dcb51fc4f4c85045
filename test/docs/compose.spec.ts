import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { TABLE } from '../../src/infra/config/table.ts';

const root = join(import.meta.dirname, '../..');

const Service = z.object({
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  network_mode: z.string().optional(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()),
});
const Compose = z.object({
  services: z.strictObject({ eventstore: Service, countersign: Service }),
  volumes: z.record(z.string(), z.null()),
});

const { services, volumes } = Compose.parse(parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')));

describe('docker-compose.yml', () => {
  it('tells the service nothing that it does not read', () => {
    const names = Object.keys(services.countersign.environment);
    expect(names).toContain('EVENTSTORE_URL');
    for (const name of names) expect(TABLE).toHaveProperty(name);
  });

  it('gives the service values that it takes', () => {
    for (const [name, { parser }] of Object.entries(TABLE)) {
      const value = services.countersign.environment[name];
      if (value !== undefined) expect(parser.safeParse(value)).toMatchObject({ success: true });
    }
  });

  it('lets in nobody but this machine', () => {
    expect(services.eventstore.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+:\d+$/)]);
    expect(services.eventstore.network_mode).toBeUndefined();
    // On the network of the host the service listens where HOST says, and that is 127.0.0.1 unless it is told otherwise.
    expect(services.countersign).toMatchObject({ network_mode: 'host', ports: [] });
    expect(services.countersign.environment).not.toHaveProperty('HOST');
    expect(TABLE.HOST.fallback).toBe('127.0.0.1');
  });

  it('finds the server of events where that listens', () => {
    const [, port] = services.eventstore.ports[0]?.split(':') ?? [];
    expect(services.countersign.environment.EVENTSTORE_URL).toContain(`//127.0.0.1:${port}?`);
  });

  it('builds from a Dockerfile that is here', () => {
    const { context, dockerfile } = services.countersign.build ?? {};
    expect(existsSync(join(root, context ?? 'missing', dockerfile ?? 'missing'))).toBe(true);
  });

  it('names every volume that it mounts', () => {
    const mounted = Object.values(services).flatMap((service) => service.volumes.map((volume) => volume.split(':')[0] ?? ''));
    expect(mounted.filter((name) => /^[a-z]/.test(name))).toEqual(Object.keys(volumes));
  });
});
