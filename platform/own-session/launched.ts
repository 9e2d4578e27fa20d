/** The variable by which the launcher says that a process is its child. */
export const LAUNCHED = 'VIDWIZ_LAUNCHED'

/** How long a graceful stop may take: an index is built to its end. */
const GRACE_MS = 30_000

/** Ends this process when the launcher that started it is killed: gracefully, or after `graceMs` anyway. Does nothing without a launcher. */
export function endWithLauncher(graceMs = GRACE_MS): void {
  const isLaunched = process.env[LAUNCHED] !== undefined
  delete process.env[LAUNCHED]
  if (!isLaunched) return
  if (!process.channel) process.exit(1)
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs).unref()
    process.kill(process.pid, 'SIGTERM')
  })
  process.channel.unref()
}
