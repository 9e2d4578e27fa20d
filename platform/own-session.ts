import { spawn } from 'node:child_process'

// Runs Node with the given arguments as leader of a session of its own (see background.ts), and ends as it ends.
const child = spawn(process.execPath, process.argv.slice(2), {
  detached: true,
  // If this process is killed, the channel closes, and the child ends as well.
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
})
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
// A terminal sends them to its own session only.
for (const signal of signals) process.on(signal, () => child.kill(signal))
child.once('error', ({ message }) => {
  console.error(`vidwiz: cannot start: ${message}`)
  process.exitCode = 1
})
child.once('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  for (const name of signals) process.removeAllListeners(name)
  process.kill(process.pid, signal)
})
