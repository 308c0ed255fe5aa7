import { defineConfig } from 'vitest/config'
import { SUITES } from './scripts/suites.mjs'

/** One project per suite of `scripts/suites.mjs`: `npx vitest run --project store`. */
export default defineConfig({
  test: {
    // Two cores, and many tests start processes of their own.
    maxWorkers: 2,
    allowOnly: false,
    passWithNoTests: false,
    // For the processes that tests start; in its own reports vitest follows source maps by itself.
    env: { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --enable-source-maps`.trim() },
    // The built package runs as Node.js would run it, worker threads included.
    server: { deps: { external: [/\/dist\//] } },
    projects: SUITES.map((suite) => ({
      extends: true as const,
      test: {
        name: suite.name,
        include: [`test/${suite.name}/**/*.test.{ts,mjs}`, ...(suite.also ? [suite.also] : [])],
        testTimeout: suite.testTimeoutMs,
        hookTimeout: Math.max(30_000, suite.testTimeoutMs),
        fileParallelism: !suite.oneByOne,
      },
    })),
  },
})
