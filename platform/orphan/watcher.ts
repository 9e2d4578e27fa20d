import { workerData } from 'node:worker_threads'

// A thread of a supervised process: see endWithSupervisor.
const { supervisor, graceMs } = workerData as { supervisor: number; graceMs: number }

const LOOK_MS = 500

const looking = setInterval(() => {
  // An orphaned process gets another parent.
  if (process.ppid === supervisor) return
  clearInterval(looking)
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs)
}, LOOK_MS)
