import { expect, test } from 'vitest';
import { addressRefusal } from '../../src/upstream/address.ts';

test.each([
  'https://registry-1.docker.io',
  'https://registry.example.com:5000',
  'https://8.8.8.8',
  'https://[2606:4700::1111]',
])('%s may be asked', (url) => {
  expect(addressRefusal(new URL(url), false)).toBeNull();
});

test.each([
  'http://registry.example.com',
  'ftp://registry.example.com',
  'https://user:password@registry.example.com',
  'https://localhost',
  'https://registry',
  'https://registry.',
  'https://a.internal',
  'https://a.LOCAL',
  'https://a.localhost.',
  'https://a.home.arpa',
  'https://127.0.0.1',
  'https://127.1',
  'https://2130706433',
  'https://0x7f.0.0.1',
  'https://0177.0.0.1',
  'https://0.0.0.0',
  'https://10.0.0.1',
  'https://172.16.0.1',
  'https://192.168.1.1',
  'https://100.64.0.1',
  'https://169.254.169.254',
  'https://192.0.2.1',
  'https://198.18.0.1',
  'https://224.0.0.1',
  'https://255.255.255.255',
  'https://127.0.0.1.',
  'https://[::]',
  'https://[::1]',
  'https://[::ffff:127.0.0.1]',
  'https://[::ffff:7f00:1]',
  'https://[::ffff:a9fe:a9fe]',
  'https://[64:ff9b::7f00:1]',
  'https://[2002:7f00:1::]',
  'https://[fc00::1]',
  'https://[fd00:ec2::254]',
  'https://[fe80::1]',
  'https://[ff02::1]',
  'https://[2001:db8::1]',
])('%s is not asked', (url) => {
  expect(addressRefusal(new URL(url), false)).not.toBeNull();
});

test.each(['http://127.0.0.1:5000', 'https://registry', 'http://[::1]'])(
  '%s may be asked in a lab',
  (url) => {
    expect(addressRefusal(new URL(url), true)).toBeNull();
  },
);

test.each(['ftp://127.0.0.1', 'file:///etc/passwd', 'http://user:password@127.0.0.1'])(
  '%s may not be asked even there',
  (url) => {
    expect(addressRefusal(new URL(url), true)).not.toBeNull();
  },
);
