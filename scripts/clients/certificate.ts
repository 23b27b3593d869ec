import { readFile } from 'node:fs/promises';
import type { Bench } from './bench.ts';

/** What a server on this machine proves with that it is the one, and who vouches for it. */
export interface Certificate {
  key: string; // PEM
  cert: string; // PEM
  authority: string; // the path of the CA's certificate
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const VALID = ['-days', '2'];

/** Makes a CA of this name, and a certificate of it for the loopback address. Needs openssl. */
export async function makeCertificate(bench: Bench, name: string): Promise<Certificate> {
  const path = (file: string) => bench.path(`${name}-${file}.pem`);
  const request = (subject: string, key: string, cert: string, ...more: string[]) => {
    const files = ['-keyout', key, '-out', cert];
    const subjects = ['-subj', `/CN=${subject}`];
    return bench.run('openssl', ['req', '-x509', ...KEY, ...VALID, ...subjects, ...files, ...more]);
  };
  const [authority, authorityKey] = [path('ca'), path('ca-key')];
  await request(name, authorityKey, authority);
  const signer = ['-CA', authority, '-CAkey', authorityKey];
  const extensions = ['basicConstraints=critical,CA:FALSE', 'subjectAltName=IP:127.0.0.1'];
  const [cert, key] = [path('cert'), path('key')];
  const added = extensions.flatMap((extension) => ['-addext', extension]);
  await request('localhost', key, cert, ...signer, ...added);
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8'), authority };
}
