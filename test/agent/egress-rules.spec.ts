import { describe, expect, it } from 'vitest';
import {
  type Destination,
  isPublicAddress,
  judgeDestination,
  parseEgressRule,
  splitAuthority,
} from '../../src/infra/agent/egress-rules.ts';

const judge = (lines: readonly string[], by: 'operator' | 'profile', destination: Partial<Destination>) =>
  judgeDestination(
    lines.map((line) => parseEgressRule(line, by)),
    { host: 'api.example.com', port: 443, way: 'connect', ...destination },
  );

describe('An egress rule', () => {
  it('lets a host through on port 443 unless it says another', () => {
    expect(judge(['api.example.com'], 'profile', {})).toBe('public');
    expect(judge(['api.example.com'], 'profile', { port: 8443 })).toBe('refused');
    expect(judge(['api.example.com:8443'], 'profile', { port: 8443 })).toBe('public');
    expect(judge(['API.Example.com.'], 'profile', {})).toBe('public');
  });

  it('lets plain HTTP through only where the port is written', () => {
    expect(judge(['api.example.com'], 'profile', { port: 80, way: 'http' })).toBe('refused');
    expect(judge(['api.example.com'], 'profile', { port: 443, way: 'http' })).toBe('refused');
    expect(judge(['api.example.com:80'], 'profile', { port: 80, way: 'http' })).toBe('public');
  });

  it('lets names below a suffix through, not the suffix and nothing that only ends alike', () => {
    expect(judge(['*.example.com'], 'operator', {})).toBe('public');
    expect(judge(['*.example.com'], 'operator', { host: 'a.b.example.com' })).toBe('public');
    expect(judge(['*.example.com'], 'operator', { host: 'example.com' })).toBe('refused');
    expect(judge(['*.example.com'], 'operator', { host: 'evilexample.com' })).toBe('refused');
  });

  it('lets an address or a private name through only when the operator wrote exactly it with its port', () => {
    expect(judge(['127.0.0.1:8080'], 'operator', { host: '127.0.0.1', port: 8080 })).toBe('listed');
    expect(judge(['[::1]:8080'], 'operator', { host: '::1', port: 8080 })).toBe('listed');
    expect(judge(['127.0.0.1:8080'], 'profile', { host: '127.0.0.1', port: 8080 })).toBe('refused');
    expect(judge(['127.0.0.1'], 'operator', { host: '127.0.0.1' })).toBe('refused');
    expect(judge(['127.0.0.1:8080'], 'operator', { host: '127.0.0.1', port: 8081 })).toBe('refused');
  });

  it.each([
    '',
    '*',
    '*.',
    '*.*.com',
    'http://a.com',
    'a.com/',
    'a com',
    'a.com:0',
    'a.com:70000',
    'a.com:x',
    '-a.com:',
    '*.10.0.0.1',
    'ä.com',
    'a..b',
  ])('is refused with a sentence when it reads "%s"', (line) => {
    expect(() => parseEgressRule(line, 'operator')).toThrow('Write a host an agent may reach as');
  });
});

describe('A destination', () => {
  it.each(['2130706433:80', '0x7f.1:80', '127.1:80'])(
    'in another spelling of an address (%s) is a name like any other',
    (authority) => {
      expect(judge(['127.0.0.1:80'], 'operator', splitAuthority(authority) as Destination)).toBe('refused');
    },
  );

  it.each(['a@b:80', 'a.com:80:80', '[::1', '::1:80', 'a\r\nb:80', '%2e:80', 'a.com:-1'])(
    'that reads %j is none',
    (authority) => {
      expect(splitAuthority(authority)).toBeNull();
    },
  );
});

describe('A public address', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111'])('%s is one', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
  it.each([
    ...[
      '127.0.0.1',
      '127.255.255.254',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
    ],
    ...[
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      '198.18.0.1',
      '::',
      '::1',
      'fe80::1',
      'fc00::1',
      'fd00:ec2::254',
      '::ffff:127.0.0.1',
    ],
    ...['::ffff:a00:1', '64:ff9b::a00:1', '2002:7f00:1::', '2001:0:1::', '2001:db8::1', 'ff02::1', 'not an address'],
  ])('%s is none', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});
