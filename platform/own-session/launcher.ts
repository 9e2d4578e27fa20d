import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { LAUNCHED } from './launched.ts'

// Runs Node with the given arguments as leader of a session of its own (see background.ts), and ends as it ends.
const child = spawn(process.execPath, process.argv.slice(2), {
  detached: true,
  env: { ...process.env, [LAUNCHED]: '1' },
  // If this process is killed, the channel closes, and the child ends as well.
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
})
// A terminal sends its signals to its own session only.
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
for (const signal of passedOn) process.on(signal, () => child.kill(signal))
/** Ctrl-Z: both stop. The second signal to itself takes effect at once; Linux ignores it where no shell could let it go on. */
function stop() {
  child.kill('SIGSTOP')
  process.off('SIGTSTP', stop)
  process.kill(process.pid, 'SIGTSTP')
  // Here it goes on.
  child.kill('SIGCONT')
  process.on('SIGTSTP', stop)
}
process.on('SIGTSTP', stop)
child.once('error', ({ message }) => {
  console.error(`vidwiz: cannot start: ${message}`)
  process.exitCode = 1
})
child.once('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  // The first process of a container ignores the signal, and ends with this code.
  process.exitCode = 128 + constants.signals[signal]
  for (const name of passedOn) process.removeAllListeners(name)
  process.kill(process.pid, signal)
})
