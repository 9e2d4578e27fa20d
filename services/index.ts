import type { Service } from '#platform/service.ts'

/** Everything that can run as a process of its own, or several of them in one; loaded when it runs. */
export const services: Readonly<Record<string, () => Promise<{ default: Service }>>> = {
  api: () => import('./api/main.ts'),
  projector: () => import('./projector/main.ts'),
  relay: () => import('./relay/main.ts'),
  'fetch-scheduler': () => import('./fetch-scheduler/main.ts'),
  'ai-notes': () => import('./ai-notes/main.ts'),
  summaries: () => import('./summaries/main.ts'),
  'sqs-bridge': () => import('./sqs-bridge/main.ts'),
  'media-bridge': () => import('./media-bridge/main.ts'),
  'media-scheduler': () => import('./media-scheduler/main.ts'),
  'media-door': () => import('./media-door/main.ts'),
  'local-aws': () => import('./local-aws/main.ts'),
  'lambda-runner': () => import('./lambdas/runner/main.ts'),
  'transcript-helper': () => import('./helpers/transcript/main.ts'),
  'metadata-helper': () => import('./helpers/metadata/main.ts'),
  'gpu-worker': () => import('./gpu-worker/main.ts'),
}
