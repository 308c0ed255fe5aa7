/** How many uploads receive a body at once, in this process. @module */
import { UploadError } from '../errors.ts'

/** How many may. */
export interface ConcurrencyLimits {
  readonly maxConcurrentRequests: number | null
  readonly maxConcurrentRequestsPerOwner: number | null
}

interface Receiving {
  readonly owner: string
  requests: number
}

const NOTHING = (): void => undefined

export class Concurrency {
  readonly #limits: ConcurrencyLimits
  readonly #isLimited: boolean
  readonly #receiving = new Map<string, Receiving>()
  readonly #owners = new Map<string, number>()

  constructor(limits: ConcurrencyLimits) {
    this.#limits = limits
    const { maxConcurrentRequests, maxConcurrentRequestsPerOwner } = limits
    this.#isLimited = maxConcurrentRequests !== null || maxConcurrentRequestsPerOwner !== null
  }

  /**
   * Counts a body that is about to come in; returns the function that ends it. Another body for the same
   * upload takes over from the first and is no more than one with it: a dead connection keeps no client
   * from its own upload.
   *
   * @throws `ERR_TOO_MANY_REQUESTS`
   */
  enter(id: string, owner: string): () => void {
    if (!this.#isLimited) return NOTHING
    const known = this.#receiving.get(id)
    if (!known) this.#check(owner)
    const receiving = known ?? { owner, requests: 0 }
    receiving.requests++
    this.#receiving.set(id, receiving)
    if (!known) this.#add(owner, 1)
    return () => {
      if (--receiving.requests > 0) return
      this.#receiving.delete(id)
      this.#add(owner, -1)
    }
  }

  #check(owner: string): void {
    const { maxConcurrentRequests, maxConcurrentRequestsPerOwner } = this.#limits
    if (this.#receiving.size >= (maxConcurrentRequests ?? Number.POSITIVE_INFINITY)) {
      throw tooMany(`the server receives ${maxConcurrentRequests} uploads at once and no more`)
    }
    const own = this.#owners.get(owner) ?? 0
    if (own >= (maxConcurrentRequestsPerOwner ?? Number.POSITIVE_INFINITY)) {
      throw tooMany(`you may send ${maxConcurrentRequestsPerOwner} uploads at once and no more`)
    }
  }

  #add(owner: string, change: number): void {
    const requests = (this.#owners.get(owner) ?? 0) + change
    if (requests > 0) this.#owners.set(owner, requests)
    else this.#owners.delete(owner)
  }
}

function tooMany(why: string): UploadError {
  return new UploadError('ERR_TOO_MANY_REQUESTS', `${why}: try again in a moment`)
}
