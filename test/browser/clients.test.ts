/** Uppy and tus-js-client in a browser, on a page of another origin. @module */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { receive, serveWatched, storyOf, type Watched } from '../clients/watched.ts'
import { required } from '../run.ts'
import { type ServeOptions, sha256Of } from '../serve.ts'
import { startCuttingProxy } from './cutting-proxy.ts'
import type { Page as Functions } from './page.ts'
import { serveWebSite, type WebSite } from './web-site.ts'

declare const sendByUppy: Functions['sendByUppy']
declare const sendByTus: Functions['sendByTus']

const DATA = randomBytes(5 * 2 ** 20)
const WHOLE = { types: ['upload-created', 'upload-completed'], bytes: DATA.length }
const METADATA = { filename: 'holiday.mp4' }

let site: WebSite
let browser: Browser

beforeAll(async () => {
  const executablePath = required('TUSSI_CHROMIUM', 'a Chromium')
  site = await serveWebSite()
  browser = await chromium.launch({ executablePath })
})

afterAll(async () => {
  await browser?.close()
  await site?.close()
})

/** A server, and a page on another origin with the file chosen. */
async function open(options?: ServeOptions): Promise<{ served: Watched; page: Page }> {
  const served = await serveWatched(options)
  await writeFile(join(served.root, METADATA.filename), DATA)
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const page = await context.newPage()
  await load(page, served)
  return { served, page }
}

async function load(page: Page, { root }: Watched): Promise<void> {
  await page.goto(site.origin)
  await page.setInputFiles('input', join(root, METADATA.filename))
}

function offsets({ requests }: Watched): number[] {
  return requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ headers }) => Number(headers['upload-offset']))
}

function preflights({ requests }: Watched): unknown[] {
  return requests
    .filter(({ method }) => method === 'OPTIONS')
    .map(({ headers }) => headers['access-control-request-method'])
}

describe('Uppy', () => {
  it('sends a file to another origin', async () => {
    const { served, page } = await open()
    const url = await page.evaluate((endpoint) => sendByUppy(endpoint), served.url)
    expect(url).toMatch(served.url)
    expect(preflights(served)).toEqual(expect.arrayContaining(['POST', 'PATCH']))
    expect(new Set(served.requests.map(({ headers }) => headers.origin))).toEqual(
      new Set([site.origin]),
    )
    expect(await page.textContent('output')).toBe(`Uppy: ${DATA.length} of ${DATA.length} bytes`)
    const { sum, metadata } = await receive(served, served.root)
    expect(sum).toBe(sha256Of(DATA))
    expect(metadata).toMatchObject(METADATA)
    expect(storyOf(served.events)).toEqual(WHOLE)
  })

  it('goes on after its connection was cut', async () => {
    const { served, page } = await open()
    const proxy = await startCuttingProxy(served.port, 2, 2_000_000)
    await page.evaluate((endpoint) => sendByUppy(endpoint), proxy.url)
    expect(proxy.cuts()).toBe(2)
    // The browser may repeat a request by itself; what came before the first cut stays.
    expect(offsets(served).at(-1)).toBeGreaterThan(1_900_000)
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
    expect(storyOf(served.events)).toEqual(WHOLE)
  })

  it('gets nowhere from an origin that is not on the list', async () => {
    const { served, page } = await open({ cors: { origins: ['https://app.example'] } })
    const sent = page.evaluate((endpoint) => sendByUppy(endpoint), served.url)
    await expect(sent).rejects.toThrow(/Uppy: /)
    expect(new Set(served.requests.map(({ method }) => method))).toEqual(new Set(['OPTIONS']))
    expect(served.events).toEqual([])
  })

  it('sends from one that is', async () => {
    const { served, page } = await open({ cors: { origins: [site.origin] } })
    await page.evaluate((endpoint) => sendByUppy(endpoint), served.url)
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
  })
})

describe('tus-js-client', () => {
  it('goes on after its connection was cut', async () => {
    const { served, page } = await open()
    const proxy = await startCuttingProxy(served.port, 2, 1_500_000)
    await page.evaluate((endpoint) => sendByTus(endpoint), proxy.url)
    expect(proxy.cuts()).toBe(2)
    expect((await receive(served, served.root)).sum).toBe(sha256Of(DATA))
    expect(storyOf(served.events)).toEqual(WHOLE)
  })

  it('goes on after the page was loaded again', async () => {
    const { served, page } = await open()
    const stop = [served.url, 2 * 2 ** 20] as const
    const url = await page.evaluate(([endpoint, at]) => sendByTus(endpoint, at), stop)
    await load(page, served)
    expect(await page.evaluate((endpoint) => sendByTus(endpoint), served.url)).toBe(url)
    expect(served.requests.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect(served.requests.filter(({ method }) => method === 'HEAD')).toHaveLength(1)
    expect(await receive(served, served.root)).toEqual({ sum: sha256Of(DATA), metadata: METADATA })
    expect(storyOf(served.events)).toEqual(WHOLE)
  })
})
