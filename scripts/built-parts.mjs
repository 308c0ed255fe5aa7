/**
 * Real parts of other languages, made with their own tools: tusd by Go from its module, the client
 * for Java by Maven.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './programs.mjs'
import { ROOT } from './suites.mjs'

export const TUSD_VERSION = '2.8.0'
const JAVA_CLIENT_VERSION = '0.5.1'

const TUSD_FOLDER = join(ROOT, '.cache', `tusd-${TUSD_VERSION}`)
const JAVA_FOLDER = join(ROOT, '.cache', 'java')

/** The program. */
export const TUSD = join(TUSD_FOLDER, 'tusd')

/** The archive of classes. */
export const JAVA_CLIENT = join(JAVA_FOLDER, `tus-java-client-${JAVA_CLIENT_VERSION}.jar`)

/**
 * @param {(line: string) => void} say
 * @returns {string | undefined} why there is none
 */
export function buildTusd(say) {
  if (existsSync(TUSD)) return undefined
  say(`building tusd ${TUSD_VERSION} in .cache/, which takes a minute or two`)
  const wanted = `github.com/tus/tusd/v2/cmd/tusd@v${TUSD_VERSION}`
  // Go as it is there: it would fetch a newer one.
  const env = { GOBIN: TUSD_FOLDER, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' }
  const complaint = run(['go', 'install', wanted], env)
  return complaint && `tusd could not be built: ${complaint}`
}

/**
 * @param {(line: string) => void} say
 * @returns {string | undefined} why there is none
 */
export function fetchJavaClient(say) {
  if (existsSync(JAVA_CLIENT)) return undefined
  say(`fetching tus-java-client ${JAVA_CLIENT_VERSION} by Maven to .cache/java`)
  const complaint = run([
    ...['mvn', '--quiet', '--batch-mode'],
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy',
    `-Dartifact=io.tus.java.client:tus-java-client:${JAVA_CLIENT_VERSION}`,
    `-DoutputDirectory=${JAVA_FOLDER}`,
  ])
  return complaint && `tus-java-client could not be fetched: ${complaint}`
}
