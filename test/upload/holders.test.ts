import { describe, expect, it } from 'vitest'
import { Holders } from '../../src/upload/holders.ts'

describe('Holders', () => {
  it('lets one of several newcomers hold at a time', async () => {
    const holders = new Holders()
    let holding = 0
    let most = 0
    const takePart = async (): Promise<void> => {
      let stopped = (): void => {}
      const stop = new Promise<void>((resolve) => {
        stopped = resolve
      })
      const release = await holders.take('upload', () => stopped())
      holding++
      most = Math.max(most, holding)
      await Promise.race([stop, new Promise((resolve) => setTimeout(resolve, 50))])
      holding--
      release()
    }
    await Promise.all([takePart(), takePart(), takePart(), takePart()])
    expect(most).toBe(1)
  })

  it('ends every holder when another one comes', async () => {
    const holders = new Holders()
    const stopped = new Set<string>()
    const take = async (name: string): Promise<void> => {
      const release = await holders.take('upload', () => {
        stopped.add(name)
        queueMicrotask(() => release())
      })
    }
    await take('first')
    await Promise.all([take('second'), take('third')])
    await holders.interrupt('upload')
    expect([...stopped].sort()).toEqual(['first', 'second', 'third'])
  })
})
