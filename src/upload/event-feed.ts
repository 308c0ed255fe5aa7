/** From what happens to an upload to everybody who wants to know. @module */
import type { Logger } from '../logger.ts'
import { EventQueue } from './event-queue.ts'
import { type Emit, type EventHandler, hasEnded, type TusEvent, uploadIdOf } from './events.ts'
import { iterate, type Pause } from './pause.ts'

/** A channel of `node:diagnostics_channel`. */
export interface EventChannel {
  readonly hasSubscribers: boolean
  publish(event: TusEvent): void
}

/** Who hears events. */
export interface EventFeedOptions {
  readonly handler: EventHandler | undefined
  readonly channel: EventChannel
  readonly logger: Logger
}

export class EventFeed {
  readonly #handler: EventHandler | undefined
  readonly #channel: EventChannel
  readonly #logger: Logger
  readonly #followers = new Set<(event: TusEvent) => void>()
  readonly #endings = new Map<string, Set<() => void>>()

  constructor({ handler, channel, logger }: EventFeedOptions) {
    this.#handler = handler
    this.#channel = channel
    this.#logger = logger
  }

  /** Whether an event would reach anybody now. */
  get isHeard(): boolean {
    return this.#handler !== undefined || this.#followers.size > 0 || this.#channel.hasSubscribers
  }

  /** Only the handler is waited for. Never rejects. */
  readonly emit: Emit = (event) => {
    if (this.#channel.hasSubscribers) this.#channel.publish(event)
    for (const follower of this.#followers) follower(event)
    if (hasEnded(event)) {
      for (const listener of this.#endings.get(uploadIdOf(event)) ?? []) listener()
    }
    return this.#handler ? this.#handle(this.#handler, event) : undefined
  }

  async #handle(handler: EventHandler, event: TusEvent): Promise<void> {
    try {
      await handler(event)
    } catch (error) {
      this.#logger.error(`onEvent failed on ${event.type}`, { error })
    }
  }

  /** All events from the first `next` on, until one of `signals` fires. */
  follow(signals: readonly AbortSignal[]): AsyncIterableIterator<TusEvent> {
    return iterate(signals, (pause) => this.#follow(pause))
  }

  /** Calls `listener` when an event ends this upload; returns the function that ends that. */
  onEnd(id: string, listener: () => void): () => void {
    const listeners = this.#endings.get(id) ?? new Set()
    this.#endings.set(id, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#endings.delete(id)
    }
  }

  async *#follow(pause: Pause): AsyncGenerator<TusEvent, void, undefined> {
    const queue = new EventQueue(() =>
      this.#logger.warn('a consumer of tus.events() is too slow: it loses the oldest events'),
    )
    const follower = (event: TusEvent): void => {
      queue.push(event)
      pause.wake()
    }
    this.#followers.add(follower)
    try {
      while (!pause.stopped) {
        const event = queue.take()
        if (event) yield event
        else await pause.wait()
      }
    } finally {
      this.#followers.delete(follower)
    }
  }
}
