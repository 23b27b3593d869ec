/** What of a namespace goes by itself, and what stays. */
import type { Example } from './example.ts';

export const RULES: readonly Example[] = [
  {
    method: 'PUT',
    route: '/namespaces/:namespace/retention',
    path: '/namespaces/acme/retention',
    body: {
      isEnabled: true,
      everyHours: 12,
      rules: [
        { action: 'keep', name: 'releases', include: ['v*'], lastPushed: 10 },
        { action: 'delete', repositories: 'web/**', exclude: ['latest'], pushedBeforeDays: 90 },
        { action: 'untagged', olderThanDays: 7 },
      ],
    },
    event: 'retention.set',
  },
  { method: 'GET', route: '/namespaces/:namespace/retention', path: '/namespaces/acme/retention' },
  {
    method: 'POST',
    route: '/namespaces/:namespace/retention/preview',
    path: '/namespaces/acme/retention/preview?limit=10',
    body: { rules: [{ action: 'delete', include: ['dev-*'], notPulledForDays: 30 }] },
  },
  {
    method: 'POST',
    route: '/namespaces/:namespace/retention/run',
    path: '/namespaces/acme/retention/run',
    body: {},
    event: 'retention.run',
  },
  {
    method: 'DELETE',
    route: '/namespaces/:namespace/retention',
    path: '/namespaces/acme/retention',
    event: 'retention.remove',
  },
  {
    method: 'PUT',
    route: '/namespaces/:namespace/tag-rules',
    path: '/namespaces/acme/tag-rules',
    body: { repository: 'acme/app', immutable: ['*'], except: ['latest', 'dev-*'] },
    event: 'tag-rule.set',
  },
  { method: 'GET', route: '/namespaces/:namespace/tag-rules', path: '/namespaces/acme/tag-rules' },
  {
    method: 'DELETE',
    route: '/namespaces/:namespace/tag-rules',
    path: '/namespaces/acme/tag-rules?repository=acme/app',
    event: 'tag-rule.remove',
  },
];
