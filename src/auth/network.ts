import ipaddr from 'ipaddr.js';
import { RegistryError } from '../oci/errors.ts';
import type { Action } from './roles.ts';

/** Where a request comes from, as the edge says; null for what it does not know. */
export interface Origin {
  address: string | null;
  country: string | null; // ISO 3166-1 alpha-2
  asn: number | null;
}

/** What an origin has to be. Each list that is there has to have it. */
export interface NetworkRule {
  cidrs?: readonly string[];
  countries?: readonly string[];
  asns?: readonly number[];
}

/** A namespace's rules: for pulls, and for pushes and deletes. */
export interface NetworkRules {
  pull?: NetworkRule;
  push?: NetworkRule;
}

/** Why the rules refuse an action from there, or null when they do not. */
export function networkRefusal(rules: NetworkRules, action: Action, origin: Origin): string | null {
  const rule = action === 'pull' ? rules.pull : rules.push;
  const kind = action === 'pull' ? 'pulls' : 'pushes';
  if (rule?.cidrs !== undefined && !isInside(origin.address, rule.cidrs)) {
    return `the namespace allows ${kind} from certain addresses only, not from ${origin.address ?? 'an unknown one'}`;
  }
  if (rule?.countries !== undefined && !rule.countries.includes(origin.country ?? '')) {
    return `the namespace allows ${kind} from certain countries only, not from ${origin.country ?? 'an unknown one'}`;
  }
  if (rule?.asns !== undefined && !rule.asns.includes(origin.asn ?? -1)) {
    return `the namespace allows ${kind} from certain networks only, not from ${origin.asn === null ? 'an unknown one' : `AS${origin.asn}`}`;
  }
  return null;
}

/**
 * Refuses what the rules do not let through.
 *
 * @throws DENIED
 */
export function checkNetwork(rules: NetworkRules, action: Action, origin: Origin): void {
  const refusal = networkRefusal(rules, action, origin);
  if (refusal !== null) {
    throw new RegistryError('DENIED', refusal);
  }
}

/** True for "10.0.0.0/8" and "2001:db8::/32", and for a single address. */
export function isCidr(text: string): boolean {
  return ipaddr.isValidCIDR(text) || (ipaddr.isValid(text) && !text.includes('%'));
}

function isInside(address: string | null, cidrs: readonly string[]): boolean {
  if (address === null || !ipaddr.isValid(address)) {
    return false;
  }
  const parsed = ipaddr.process(address); // an IPv4 address in IPv6 form is the IPv4 address
  return cidrs.some((cidr) => {
    const [network, length] = toRange(cidr);
    return network.kind() === parsed.kind() && parsed.match(network, length);
  });
}

function toRange(cidr: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (cidr.includes('/')) {
    return ipaddr.parseCIDR(cidr);
  }
  const address = ipaddr.process(cidr);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
