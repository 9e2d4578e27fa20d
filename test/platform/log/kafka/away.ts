import { createServer, type Socket } from 'node:net'
import type { KafkaOptions } from '#platform/log/kafka/options.ts'
import { freePort } from '#test/kit/free-port.ts'

/** A Kafka that is not there: nobody listens, or a frozen broker takes connections and answers nothing. */
export async function awayKafka(how: 'refuses' | 'is silent'): Promise<{ options: KafkaOptions; close(): void }> {
  const port = await freePort()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})))
  if (how === 'is silent') await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    options: { brokers: [`127.0.0.1:${port}`], prefix: 'away.' },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
