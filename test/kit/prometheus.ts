import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from 'mocha'
import { UNPACK_MS, unpacked } from './debian.ts'

const PACKAGES = ['prometheus', 'prometheus-alertmanager']
const TEMPLATES = '/usr/share/prometheus/alertmanager'

/** Paths of Prometheus' programs. */
export interface PrometheusTools {
  prometheus: string
  promtool: string
  alertmanager: string
}

/**
 * A real Prometheus, promtool and Alertmanager from Debian, unpacked beside the project if not there yet. If unavailable, the tests
 * are skipped, or fail with REQUIRE_PROMETHEUS=1.
 */
export async function prometheusTools(test: Context): Promise<PrometheusTools> {
  test.timeout(UNPACK_MS)
  try {
    return await tools()
  } catch (error) {
    if (process.env.REQUIRE_PROMETHEUS === '1') throw error
    console.error(`skipping: there is no Prometheus (${(error as Error).message.split('\n')[0]})`)
    return test.skip()
  }
}

async function tools(): Promise<PrometheusTools> {
  const folder = await unpacked('prometheus', PACKAGES)
  // Debian's Alertmanager looks for its templates only there.
  if (!existsSync(TEMPLATES)) cpSync(join(folder, TEMPLATES), TEMPLATES, { recursive: true })
  const bin = join(folder, 'usr', 'bin')
  return {
    prometheus: join(bin, 'prometheus'),
    promtool: join(bin, 'promtool'),
    alertmanager: join(bin, 'prometheus-alertmanager'),
  }
}
