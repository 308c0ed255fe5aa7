/**
 * `npm run api`: writes down the public types of every entry point of the package, one report each
 * in `api/`. With `--check` it changes nothing and fails where a report is not up to date.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CONFIGURATION = join(ROOT, 'api-extractor.json')
const MANIFEST = join(ROOT, 'package.json')

const { name: MAIN, exports } = JSON.parse(readFileSync(MANIFEST, 'utf8'))

/**
 * The entry points that have types, as `[name of the report, path of the types]`.
 *
 * @returns {[string, string][]}
 */
function entryPoints() {
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'object'
      ? [[`${MAIN}${path.slice(1).replaceAll('/', '-')}`, target.types]]
      : [],
  )
}

/**
 * @param {string} report
 * @param {string} types
 * @param {boolean} localBuild
 */
function extract(report, types, localBuild) {
  const configObject = ExtractorConfig.loadFile(CONFIGURATION)
  configObject.mainEntryPointFilePath = join(ROOT, types)
  if (report !== MAIN) {
    // Its comments link to the main entry point, which the extractor does not see from here.
    Object.assign(configObject.messages?.extractorMessageReporting ?? {}, {
      'ae-unresolved-link': { logLevel: 'none' },
    })
  }
  const configuration = ExtractorConfig.prepare({
    configObject: {
      ...configObject,
      apiReport: { enabled: true, ...configObject.apiReport, reportFileName: report },
    },
    configObjectFullPath: CONFIGURATION,
    packageJsonFullPath: MANIFEST,
  })
  return Extractor.invoke(configuration, {
    localBuild,
    messageCallback(message) {
      // Its banners; what is left names a place in the sources or a report.
      if (message.category === 'console' && message.logLevel === 'info') message.handled = true
    },
  }).succeeded
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
for (const [report, types] of entryPoints()) {
  const succeeded = extract(report, types, !values.check)
  process.stdout.write(`api/${report}.api.md ${succeeded ? 'is up to date' : 'needs a look'}\n`)
  if (!succeeded) process.exitCode = 1
}
if (process.exitCode && values.check) {
  process.stdout.write('npm run api writes the reports anew; review and commit the difference\n')
}
