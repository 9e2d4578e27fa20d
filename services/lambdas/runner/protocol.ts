/** Message from the runner to a function's process. */
export interface Invoke {
  requestId: string
  event: unknown
  timeoutMs: number
  functionName: string
  memoryMb: number
}

/** Messages from a function's process to the runner. */
export type Told =
  | { type: 'ready' }
  | { type: 'failed to start'; message: string }
  | { type: 'said'; level: 'debug' | 'info' | 'warn' | 'error'; text: string; requestId: string | undefined }
  | { type: 'answered'; requestId: string; answer: unknown }
  | { type: 'threw'; requestId: string; message: string }
